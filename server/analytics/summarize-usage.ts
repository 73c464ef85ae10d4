import { gte, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import type { AnalyticsQuery, AnalyticsSummary } from '../../shared/analytics'
import type { TraceScope } from '../traces/list-traces'
import { findSpan, spanBefore } from './analytics-span'
import { addSums, toTotals, usageSource, whereUsage } from './sum-usage'

/** What an org's calls add up to in a span of time, and in the one before. Reads hourly totals alone, one pass for both. */
export async function summarizeUsage(orm: Orm, scope: TraceScope, query: AnalyticsQuery): Promise<AnalyticsSummary> {
  const span = await findSpan(orm, scope.orgId, query)
  const before = spanBefore(span)
  const { table, sums, hours } = usageSource(scope, query)
  const isCurrent = gte(table.hour, span.from)
  const rows = await orm.select({ isCurrent: sql<boolean>`${isCurrent}`.as('is_current'), ...sums }).from(hours)
    .where(sql`${whereUsage(scope, { ...span, from: before.from }, query)} and (${isCurrent} or ${table.hour} < ${before.to.toISOString()}::timestamptz)`)
    .groupBy(sql`1`)
  const totals = (current: boolean) => toTotals(addSums(rows.filter(row => row.isCurrent === current)))
  return {
    from: span.from.toISOString(), to: span.to.toISOString(), timeZone: span.timeZone, ...totals(true),
    previous: { from: before.from.toISOString(), to: before.to.toISOString(), ...totals(false) }
  }
}
