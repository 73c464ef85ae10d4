import { and, eq, gte, lt, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { usageHourly, usageHourlyTotals } from '../../db/schema'
import type { AnalyticsGroup, AnalyticsQuery, AnalyticsTotals, TimeseriesQuery } from '../../shared/analytics'
import { toUsdDecimal } from '../../shared/money'
import type { TraceScope } from '../traces/list-traces'
import { hoursOf } from './hours-of'
import { mergeHistograms, percentile, readHistogram } from './latency-histogram'
import type { HourColumn } from './roll-up'

/** The sums that totals are made of. `sum(int8)` is a numeric, which both drivers give as text. */
function sumsOf(table: typeof usageHourly | typeof usageHourlyTotals, failed: SQL) {
  const sum = (column: PgColumn, name: string) => sql`coalesce(sum(${column}), 0)`.mapWith(BigInt).as(name)
  const merged = (column: PgColumn, name: string) => sql`coalesce(sum(${column}), 0)::text`.mapWith(readHistogram).as(name)
  return {
    requests: sum(table.requests, 'requests'),
    failed: sql`coalesce(${failed}, 0)`.mapWith(BigInt).as('failed'),
    cacheHits: sum(table.cacheHits, 'cache_hits_sum'),
    inputTokens: sum(table.inputTokens, 'input_tokens_sum'),
    outputTokens: sum(table.outputTokens, 'output_tokens_sum'),
    cachedInputTokens: sum(table.cachedInputTokens, 'cached_input_tokens_sum'),
    reasoningTokens: sum(table.reasoningTokens, 'reasoning_tokens_sum'),
    cost: sum(table.cost, 'cost_sum'),
    latencyMs: sum(table.latencyMs, 'latency_ms_sum'),
    latency: merged(table.latencyHistogram, 'latency'),
    ttfb: merged(table.ttfbHistogram, 'ttfb'),
    overhead: merged(table.overheadHistogram, 'overhead')
  }
}

const rows = { table: usageHourly, sums: sumsOf(usageHourly, sql`sum(${usageHourly.requests}) filter (where ${usageHourly.statusCode} >= 400)`) }
const wholeOrg = { table: usageHourlyTotals, sums: sumsOf(usageHourlyTotals, sql`sum(${usageHourlyTotals.failed})`) }

const counts = ['requests', 'cache_hits', 'input_tokens', 'output_tokens', 'cached_input_tokens', 'reasoning_tokens', 'cost', 'latency_ms'] as const
const histograms = ['latency_histogram', 'ttfb_histogram', 'overhead_histogram'] as const

/** Columns of `usage_hourly` that groups are made by. */
export const groupColumns = { model: 'model', provider: 'provider', project: 'project_id', key: 'api_key_id', user: 'user_id', status: 'status_code' } as const satisfies Record<AnalyticsGroup, HourColumn>

/** Those that a query tells calls apart by. */
function columnsOf(scope: TraceScope, { groupBy, projectId, model, provider, status, apiKeyId, userId }: Partial<TimeseriesQuery>): HourColumn[] {
  const asked: [HourColumn, unknown][] = [['project_id', scope.projectId ?? projectId], ['api_key_id', apiKeyId], ['user_id', userId], ['provider', provider], ['model', model], ['status_code', status]]
  const grouped = groupBy && groupColumns[groupBy]
  return asked.flatMap(([column, value]) => value !== undefined || column === grouped ? [column] : [])
}

/**
 * Where a query is answered from: what is asked of a whole org, from the one row it has for each hour. `hours` is what to read, by the columns of `table`;
 * `sums` has no histograms where nobody asks for percentiles, for they are most of the work.
 */
export function usageSource(scope: TraceScope, query: Partial<TimeseriesQuery>): { table: typeof usageHourly | typeof usageHourlyTotals, sums: typeof rows.sums, hours: SQL } {
  const apart = columnsOf(scope, query)
  const { table, sums } = apart.length > 0 ? rows : wholeOrg
  const failed: HourColumn[] = apart.length === 0 ? ['failed'] : apart.includes('status_code') ? [] : ['status_code']
  const plain = query.percentiles === 'no'
  const hours = hoursOf(scope.orgId, table, ['org_id', 'hour', ...apart, ...failed, ...counts, ...plain ? [] : histograms])
  return { table, sums: plain ? { ...sums, latency: noHistogram('latency'), ttfb: noHistogram('ttfb'), overhead: noHistogram('overhead') } : sums, hours }
}

function noHistogram(name: string) {
  return sql`'0'`.mapWith(readHistogram).as(name)
}

type Histogram = 'latency' | 'ttfb' | 'overhead'
type Count = Exclude<keyof typeof rows.sums, Histogram>
export type UsageSums = Record<Count, bigint> & Record<Histogram, number[]>

/** Sums of many hours are sums of their sums. */
export function addSums(rows: readonly UsageSums[]): UsageSums {
  const add = (name: Count) => rows.reduce((sum, row) => sum + row[name], 0n)
  const merge = (name: Histogram) => mergeHistograms(rows.map(row => row[name]))
  return {
    requests: add('requests'), failed: add('failed'), cacheHits: add('cacheHits'), inputTokens: add('inputTokens'), outputTokens: add('outputTokens'),
    cachedInputTokens: add('cachedInputTokens'), reasoningTokens: add('reasoningTokens'), cost: add('cost'), latencyMs: add('latencyMs'),
    latency: merge('latency'), ttfb: merge('ttfb'), overhead: merge('overhead')
  }
}

/** Which rows of its source a query is about: always of one org, and of one project where the caller is bound to it. */
export function whereUsage(scope: TraceScope, { from, to }: { from: Date | SQL, to: Date | SQL }, query: Partial<TimeseriesQuery>): SQL | undefined {
  const { table } = usageSource(scope, query)
  return and(eq(table.orgId, scope.orgId), gte(table.hour, from), lt(table.hour, to), narrow(scope, query))
}

function narrow(scope: TraceScope, { projectId, model, provider, status, apiKeyId, userId }: Partial<AnalyticsQuery>): SQL | undefined {
  const bound = scope.projectId ?? projectId
  return and(
    // A caller bound to a project sees nothing by naming another.
    projectId !== undefined && scope.projectId !== null && projectId !== scope.projectId ? sql`false` : undefined,
    bound ? eq(usageHourly.projectId, bound) : undefined,
    model === undefined ? undefined : eq(usageHourly.model, model),
    provider === undefined ? undefined : eq(usageHourly.provider, provider),
    apiKeyId ? eq(usageHourly.apiKeyId, apiKeyId) : undefined,
    userId ? eq(usageHourly.userId, userId) : undefined,
    status === undefined ? undefined : status === 'error' ? gte(usageHourly.statusCode, 400) : eq(usageHourly.statusCode, status)
  )
}

export function toTotals(sums: UsageSums): AnalyticsTotals {
  const requests = Number(sums.requests)
  const [inputTokens, outputTokens] = [Number(sums.inputTokens), Number(sums.outputTokens)]
  const { latency, ttfb, overhead } = sums
  const share = (part: number) => requests === 0 ? 0 : part / requests
  return {
    totalRequests: requests,
    failedRequests: Number(sums.failed),
    errorRate: share(Number(sums.failed)),
    totalTokens: inputTokens + outputTokens,
    inputTokens,
    outputTokens,
    cachedInputTokens: Number(sums.cachedInputTokens),
    reasoningTokens: Number(sums.reasoningTokens),
    estimatedCostUsd: toUsdDecimal(sums.cost),
    cacheHits: Number(sums.cacheHits),
    cacheHitRate: share(Number(sums.cacheHits)),
    avgLatencyMs: requests === 0 ? null : Number(sums.latencyMs) / requests,
    p50LatencyMs: percentile(latency, 0.5),
    p95LatencyMs: percentile(latency, 0.95),
    p50TimeToFirstTokenMs: percentile(ttfb, 0.5),
    p95TimeToFirstTokenMs: percentile(ttfb, 0.95),
    p50OverheadMs: percentile(overhead, 0.5),
    p95OverheadMs: percentile(overhead, 0.95)
  }
}
