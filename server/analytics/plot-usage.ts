import { and, eq, inArray, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { apiKeys, projects, usageHourly, users } from '../../db/schema'
import type { AnalyticsGroup, Timeseries, TimeseriesGroup, TimeseriesQuery } from '../../shared/analytics'
import type { TraceScope } from '../traces/list-traces'
import { bucketFor, findSpan, listBuckets } from './analytics-span'
import { NONE } from './roll-up'
import type { UsageSums } from './sum-usage'
import { addSums, toTotals, usageSource, whereUsage, withoutHistograms } from './sum-usage'

type Row = UsageSums & { bucket: number, group: string | null }

const groupColumns: Record<AnalyticsGroup, SQL<string>> = {
  model: sql<string>`${usageHourly.model}`,
  provider: sql<string>`${usageHourly.provider}`,
  project: sql<string>`${usageHourly.projectId}::text`,
  key: sql<string>`${usageHourly.apiKeyId}::text`,
  user: sql<string>`${usageHourly.userId}::text`,
  status: sql<string>`${usageHourly.statusCode}::text`
}

/**
 * What an org's calls add up to in each bucket of a span of time, by group. Reads hourly totals alone.
 * The groups stand in the order of what they cost, then of how many calls they had; what is beyond `groups` of them is one more, the last.
 */
export async function plotUsage(orm: Orm, scope: TraceScope, query: TimeseriesQuery): Promise<Timeseries> {
  const span = await findSpan(orm, scope.orgId, query)
  const bucket = query.bucket ?? bucketFor(span)
  const buckets = listBuckets(span, bucket)
  const group = query.groupBy ? groupColumns[query.groupBy] : sql<string | null>`null::text`
  const starts = sql.raw(`'{${buckets.map(start => `"${start.toISOString()}"`).join(',')}}'::timestamptz[]`)
  const { table, sums } = usageSource(scope, query)
  const rows = await orm.select({ bucket: sql<number>`width_bucket(${table.hour}, ${starts})`.as('bucket'), group: group.as('group'), ...query.percentiles === 'no' ? withoutHistograms(sums) : sums })
    .from(table).where(whereUsage(scope, span, query)).groupBy(sql`1, 2`)
  const groups = query.groupBy ? rank(rows, buckets.length, query.groups) : [toGroup(null, false, rows, buckets.length)]
  return {
    from: span.from.toISOString(), to: span.to.toISOString(), timeZone: span.timeZone, bucket, groupBy: query.groupBy ?? null,
    buckets: buckets.map(start => start.toISOString()),
    groups: await name(orm, scope.orgId, query.groupBy, groups)
  }
}

function rank(rows: readonly Row[], buckets: number, most: number): TimeseriesGroup[] {
  const byGroup = Map.groupBy(rows, row => row.group)
  const weighed = [...byGroup].map(([group, own]) => ({ group, own, ...weigh(own) }))
  weighed.sort((a, b) => compare(b.cost, a.cost) || compare(b.requests, a.requests) || String(a.group).localeCompare(String(b.group)))
  const named = weighed.slice(0, most).map(({ group, own }) => toGroup(group === NONE || group === '' ? null : group, false, own, buckets))
  const rest = weighed.slice(most).flatMap(({ own }) => own)
  return rest.length === 0 ? named : [...named, toGroup(null, true, rest, buckets)]
}

function weigh(rows: readonly Row[]) {
  return { cost: rows.reduce((sum, row) => sum + BigInt(row.cost), 0n), requests: rows.reduce((sum, row) => sum + BigInt(row.requests), 0n) }
}

const compare = (a: bigint, b: bigint) => a < b ? -1 : a > b ? 1 : 0

function toGroup(group: string | null, isOther: boolean, rows: readonly Row[], buckets: number): TimeseriesGroup {
  const byBucket = Map.groupBy(rows, row => row.bucket)
  const points = Array.from({ length: buckets }, (_, index) => toTotals(addSums(byBucket.get(index + 1) ?? [])))
  return { group, name: null, isOther, ...toTotals(addSums(rows)), points }
}

/** What people call projects, keys and users; only of this org. */
async function name(orm: Orm, orgId: string, groupBy: AnalyticsGroup | undefined, groups: TimeseriesGroup[]): Promise<TimeseriesGroup[]> {
  const ids = groups.flatMap(({ group }) => group ?? [])
  const find = async () => {
    if (ids.length === 0) return []
    if (groupBy === 'project') return orm.select({ id: projects.id, name: projects.name }).from(projects).where(and(eq(projects.orgId, orgId), inArray(projects.id, ids)))
    if (groupBy === 'key') return orm.select({ id: apiKeys.id, name: apiKeys.name }).from(apiKeys).where(and(eq(apiKeys.orgId, orgId), inArray(apiKeys.id, ids)))
    // Whoever called in this org was a member of it then, and is named though they have left.
    if (groupBy === 'user') return orm.select({ id: users.id, name: users.name }).from(users).where(inArray(users.id, ids))
    return []
  }
  const names = new Map((await find()).map(({ id, name }) => [id, name]))
  return groups.map(group => ({ ...group, name: group.group === null ? null : names.get(group.group) ?? null }))
}
