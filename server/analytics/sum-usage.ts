import { and, eq, gte, lt, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { usageHourly } from '../../db/schema'
import type { AnalyticsQuery, AnalyticsTotals } from '../../shared/analytics'
import { toUsdDecimal } from '../../shared/money'
import type { TraceScope } from '../traces/list-traces'
import type { AnalyticsSpan } from './analytics-span'
import { percentile, readHistogram } from './latency-histogram'

/** The sums that totals are made of. `sum(int8)` is a numeric, which both drivers give as text. */
export const usageSums = {
  requests: sql<string>`coalesce(sum(${usageHourly.requests}), 0)`.as('requests'),
  failed: sql<string>`coalesce(sum(${usageHourly.requests}) filter (where ${usageHourly.statusCode} >= 400), 0)`.as('failed'),
  cacheHits: sql<string>`coalesce(sum(${usageHourly.cacheHits}), 0)`.as('cache_hits_sum'),
  inputTokens: sql<string>`coalesce(sum(${usageHourly.inputTokens}), 0)`.as('input_tokens_sum'),
  outputTokens: sql<string>`coalesce(sum(${usageHourly.outputTokens}), 0)`.as('output_tokens_sum'),
  cachedInputTokens: sql<string>`coalesce(sum(${usageHourly.cachedInputTokens}), 0)`.as('cached_input_tokens_sum'),
  reasoningTokens: sql<string>`coalesce(sum(${usageHourly.reasoningTokens}), 0)`.as('reasoning_tokens_sum'),
  cost: sql<string>`coalesce(sum(${usageHourly.cost}), 0)`.as('cost_sum'),
  latencyMs: sql<string>`coalesce(sum(${usageHourly.latencyMs}), 0)`.as('latency_ms_sum'),
  latency: sql<string>`coalesce(sum(${usageHourly.latencyHistogram}), 0)::text`.as('latency'),
  ttfb: sql<string>`coalesce(sum(${usageHourly.ttfbHistogram}), 0)::text`.as('ttfb'),
  overhead: sql<string>`coalesce(sum(${usageHourly.overheadHistogram}), 0)::text`.as('overhead')
}

/** The same without histograms, whose sums are most of the work. */
export const plainUsageSums = {
  ...usageSums,
  latency: sql<string>`'0'`.as('latency'),
  ttfb: sql<string>`'0'`.as('ttfb'),
  overhead: sql<string>`'0'`.as('overhead')
}

export type UsageSums = Record<keyof typeof usageSums, string>

/** Sums of many hours are sums of their sums. */
export function addSums(rows: readonly UsageSums[]): UsageSums {
  const add = (name: keyof UsageSums) => rows.reduce((sum, row) => sum + BigInt(row[name]), 0n).toString()
  return {
    requests: add('requests'), failed: add('failed'), cacheHits: add('cacheHits'), inputTokens: add('inputTokens'), outputTokens: add('outputTokens'),
    cachedInputTokens: add('cachedInputTokens'), reasoningTokens: add('reasoningTokens'), cost: add('cost'), latencyMs: add('latencyMs'),
    latency: add('latency'), ttfb: add('ttfb'), overhead: add('overhead')
  }
}

/** Which rows of `usage_hourly` a query is about: always of one org, and of one project where the caller is bound to it. */
export function whereUsage(scope: TraceScope, { from, to }: AnalyticsSpan, query: Partial<AnalyticsQuery>): SQL | undefined {
  const { model, provider, status, apiKeyId, userId } = query
  const projectId = scope.projectId ?? query.projectId
  return and(
    eq(usageHourly.orgId, scope.orgId),
    gte(usageHourly.hour, from),
    lt(usageHourly.hour, to),
    // A caller bound to a project sees nothing by naming another.
    query.projectId !== undefined && scope.projectId !== null && query.projectId !== scope.projectId ? sql`false` : undefined,
    projectId ? eq(usageHourly.projectId, projectId) : undefined,
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
  const [latency, ttfb, overhead] = [readHistogram(sums.latency), readHistogram(sums.ttfb), readHistogram(sums.overhead)]
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
    estimatedCostUsd: toUsdDecimal(BigInt(sums.cost)),
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
