import { and, eq, gte, lt, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { usageRecords } from '../../db/schema'
import type { UsageQuery, UsageReport } from '../../shared/traces'
import type { TraceScope } from './list-traces'

const DEFAULT_DAYS = 30
const DAY_MS = 86_400_000

const groupColumns = {
  day: sql<string>`to_char(${usageRecords.createdAt} at time zone 'UTC', 'YYYY-MM-DD')`,
  model: sql<string>`${usageRecords.model}`,
  key: sql<string | null>`${usageRecords.apiKeyId}::text`,
  project: sql<string | null>`${usageRecords.projectId}::text`
}

/** What an org's calls used and cost, by day, model, key or project; the last 30 days unless told otherwise. */
export async function reportUsage(orm: Orm, scope: TraceScope, query: UsageQuery): Promise<UsageReport> {
  const to = query.to ? new Date(query.to) : new Date()
  const from = query.from ? new Date(query.from) : new Date(to.getTime() - DEFAULT_DAYS * DAY_MS)
  const group = groupColumns[query.groupBy]
  const total = (column: Parameters<typeof sql>[1]) => sql<string>`sum(${column})::bigint::text`
  const rows = await orm
    .select({
      group,
      calls: sql<string>`count(*)::text`,
      inputTokens: total(usageRecords.inputTokens),
      outputTokens: total(usageRecords.outputTokens),
      cachedInputTokens: total(usageRecords.cachedInputTokens),
      reasoningTokens: total(usageRecords.reasoningTokens),
      cost: total(usageRecords.cost)
    })
    .from(usageRecords)
    .where(and(
      eq(usageRecords.orgId, scope.orgId),
      scope.projectId ? eq(usageRecords.projectId, scope.projectId) : undefined,
      gte(usageRecords.createdAt, from),
      lt(usageRecords.createdAt, to)
    ))
    .groupBy(sql`1`)
    .orderBy(query.groupBy === 'day' ? sql`1` : sql`sum(${usageRecords.cost}) desc, 1`)
  return {
    from: from.toISOString(),
    to: to.toISOString(),
    groupBy: query.groupBy,
    items: rows.map(row => ({
      group: row.group,
      calls: Number(row.calls),
      inputTokens: Number(row.inputTokens),
      outputTokens: Number(row.outputTokens),
      cachedInputTokens: Number(row.cachedInputTokens),
      reasoningTokens: Number(row.reasoningTokens),
      costNanoUsd: row.cost
    }))
  }
}
