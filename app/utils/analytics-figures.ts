import type { AnalyticsTotals, Timeseries, TimeseriesGroup } from '#shared/analytics'
import { parseUsdDecimal } from '#shared/money'
import { formatUsd, formatUsdExact } from './format-money'
import { formatCompact, formatCount, formatDuration } from './format-number'

/** One figure of totals: how it is read, shown, and shown in full. */
export interface Figure {
  label: string
  value: (totals: AnalyticsTotals) => number | null
  format: (value: number) => string
  exact: (value: number) => string
  /** Another percentile of the same, with its name. */
  beside?: { label: string, value: (totals: AnalyticsTotals) => number | null }
  /** That less of it is better; undefined where more or less is neither. */
  lessIsBetter?: boolean
  /** Parts of a whole are stacked; others are lines. */
  isSum: boolean
}

const NANO_PER_USD = 1e9
/** Charts have no use for more digits than a double keeps. */
const usd = (dollars: number) => formatUsd(Math.round(dollars * NANO_PER_USD).toString())
const usdExact = (dollars: number) => formatUsdExact(Math.round(dollars * NANO_PER_USD).toString())
const percent = (share: number) => `${Number((share * 100).toFixed(share > 0 && share < 0.01 ? 2 : 1))} %`

export const analyticsMeasures = ['requests', 'tokens', 'cost', 'errors', 'latency', 'firstToken', 'overhead', 'cacheHits'] as const
export type AnalyticsMeasure = typeof analyticsMeasures[number]

export const figures: Record<AnalyticsMeasure, Figure> = {
  requests: { label: 'Requests', value: ({ totalRequests }) => totalRequests, format: formatCompact, exact: formatCount, isSum: true },
  tokens: { label: 'Tokens', value: ({ totalTokens }) => totalTokens, format: formatCompact, exact: formatCount, isSum: true },
  cost: { label: 'Cost', value: ({ estimatedCostUsd }) => Number(estimatedCostUsd), format: usd, exact: usdExact, isSum: true },
  errors: { label: 'Error rate', value: ({ errorRate, totalRequests }) => totalRequests === 0 ? null : errorRate, format: percent, exact: percent, lessIsBetter: true, isSum: false },
  latency: { label: 'Latency p95', value: ({ p95LatencyMs }) => p95LatencyMs, format: formatDuration, exact: formatDuration, beside: { label: 'p50', value: ({ p50LatencyMs }) => p50LatencyMs }, lessIsBetter: true, isSum: false },
  firstToken: { label: 'First token p50', value: ({ p50TimeToFirstTokenMs }) => p50TimeToFirstTokenMs, format: formatDuration, exact: formatDuration, beside: { label: 'p95', value: ({ p95TimeToFirstTokenMs }) => p95TimeToFirstTokenMs }, lessIsBetter: true, isSum: false },
  overhead: { label: 'Overhead p50', value: ({ p50OverheadMs }) => p50OverheadMs, format: formatDuration, exact: formatDuration, beside: { label: 'p95', value: ({ p95OverheadMs }) => p95OverheadMs }, lessIsBetter: true, isSum: false },
  cacheHits: { label: 'Cache hits', value: ({ cacheHitRate, totalRequests }) => totalRequests === 0 ? null : cacheHitRate, format: percent, exact: percent, lessIsBetter: false, isSum: false }
}

/** "+12 %", "−3 %", "new"; undefined where there is nothing to compare. */
export function formatChange(now: number | null, before: number | null): string | undefined {
  if (now === null || before === null || (now === 0 && before === 0)) return undefined
  if (before === 0) return 'new'
  const change = (now - before) / before
  if (Math.abs(change) < 0.0005) return '±0 %'
  const size = Math.abs(change * 100)
  return `${change > 0 ? '+' : '−'}${size >= 10_000 ? '>9,999' : Number(size.toFixed(size < 10 ? 1 : 0)).toLocaleString('en-US')} %`
}

/** A group as people call it. */
export function nameOf({ group, name, isOther }: Pick<TimeseriesGroup, 'group' | 'name' | 'isOther'>, by: Timeseries['groupBy']): string {
  if (isOther) return 'All others'
  if (name) return name
  if (group === null) return by === 'key' ? 'Chat, without a key' : by === 'model' || by === 'provider' ? 'Not routed' : `No ${by ?? 'group'}`
  return by === 'key' || by === 'user' || by === 'project' ? `${group.slice(0, 8)}… (gone)` : group
}

/** Decimals of USD as lists of money take them. */
export const toNanoUsd = (decimal: string): string => parseUsdDecimal(decimal).toString()
