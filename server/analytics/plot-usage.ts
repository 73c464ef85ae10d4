import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { apiKeys, users } from '../../db/schema'
import { bucketFor } from '../../shared/analytics'
import type { AnalyticsGroup, Timeseries, TimeseriesGroup, TimeseriesQuery } from '../../shared/analytics'
import { findProjectNames } from '../projects/find-project-names'
import type { Reader } from '../projects/scope'
import type { TraceScope } from '../traces/list-traces'
import { findSpan, listBuckets } from './analytics-span'
import { NONE } from './roll-up'
import type { UsageSums } from './sum-usage'
import { addSums, groupColumns, toTotals, usageSource, whereUsage } from './sum-usage'

type Row = UsageSums & { bucket: number, group: string | null }

/**
 * What an org's calls add up to in each bucket of a span of time, by group. Reads hourly totals alone.
 * The groups stand in the order of what they cost, then of how many calls they had; what is beyond `groups` of them is one more, the last.
 */
export async function plotUsage(orm: Orm, reader: Reader, query: TimeseriesQuery): Promise<Timeseries> {
  const span = await findSpan(orm, reader.orgId, query)
  const bucket = query.bucket ?? bucketFor(span.to.getTime() - span.from.getTime())
  const buckets = listBuckets(span, bucket)
  const rows = await sumBuckets(orm, reader, query, buckets, span.to)
  const groups = query.groupBy ? rank(rows, buckets.length, query.groups) : [toGroup(null, false, rows, buckets.length)]
  return {
    from: span.from.toISOString(), to: span.to.toISOString(), timeZone: span.timeZone, bucket, groupBy: query.groupBy ?? null,
    buckets: buckets.map(start => start.toISOString()),
    groups: await name(orm, reader, query.groupBy, groups)
  }
}

/**
 * The sums of each bucket by group. Each bucket is a read of its own, whose few groups are added up in memory: grouped by bucket as well, in one
 * read, PostgreSQL expects thousands of groups and sorts every row on disk.
 */
async function sumBuckets(orm: Orm, scope: TraceScope, query: TimeseriesQuery, starts: readonly Date[], to: Date): Promise<Row[]> {
  const group = query.groupBy && sql`${sql.identifier(groupColumns[query.groupBy])}`
  const { sums, hours } = usageSource(scope, query)
  const read = orm.select({ group: (group ? sql<string>`${group}::text` : sql<null>`null::text`).as('group'), ...sums })
    .from(hours).where(whereUsage(scope, { from: sql`bucket.start`, to: sql`bucket.until` }, query))
  const own = (group ? read.groupBy(group) : read).as('own')
  const times = (moments: readonly Date[]) => sql.raw(`'{${moments.map(moment => `"${moment.toISOString()}"`).join(',')}}'::timestamptz[]`)
  return orm.select({ bucket: sql<number>`bucket.number::int`, ...own._.selectedFields })
    .from(sql`unnest(${times(starts)}, ${times([...starts.slice(1), to])}) with ordinality as bucket(start, until, number)`)
    .crossJoinLateral(own)
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
  return { cost: rows.reduce((sum, row) => sum + row.cost, 0n), requests: rows.reduce((sum, row) => sum + row.requests, 0n) }
}

const compare = (a: bigint, b: bigint) => a < b ? -1 : a > b ? 1 : 0

function toGroup(group: string | null, isOther: boolean, rows: readonly Row[], buckets: number): TimeseriesGroup {
  const byBucket = Map.groupBy(rows, row => row.bucket)
  const points = Array.from({ length: buckets }, (_, index) => toTotals(addSums(byBucket.get(index + 1) ?? [])))
  return { group, name: null, isOther, ...toTotals(addSums(rows)), points }
}

/** What people call projects, keys and users; only of this org, and no project that is closed to the reader. */
async function name(orm: Orm, reader: Reader, groupBy: AnalyticsGroup | undefined, groups: TimeseriesGroup[]): Promise<TimeseriesGroup[]> {
  const ids = groups.flatMap(({ group }) => group ?? [])
  const find = async () => {
    if (ids.length === 0) return []
    if (groupBy === 'project') return [...await findProjectNames(orm, reader, ids)].map(([id, name]) => ({ id, name }))
    if (groupBy === 'key') return orm.select({ id: apiKeys.id, name: apiKeys.name }).from(apiKeys).where(and(eq(apiKeys.orgId, reader.orgId), inArray(apiKeys.id, ids)))
    // Whoever called in this org was a member of it then, and is named though they have left.
    if (groupBy === 'user') return orm.select({ id: users.id, name: users.name }).from(users).where(inArray(users.id, ids))
    return []
  }
  const names = new Map((await find()).map(({ id, name }) => [id, name]))
  return groups.map(group => ({ ...group, name: group.group === null ? null : names.get(group.group) ?? null }))
}
