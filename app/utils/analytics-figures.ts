import type { AnalyticsTotals, Timeseries, TimeseriesGroup } from '#shared/analytics'
import { parseUsdDecimal } from '#shared/money'
import type { Translate } from './translate'
import { formatUsd, formatUsdExact } from './format-money'
import { formatCompact, formatCount, formatDuration, formatDurationExact, formatShare, formatShareExact } from './format-number'

/** One figure of totals: how it is read, shown, and shown in full. */
export interface Figure {
  /** Of its name. */
  labelKey: string
  value: (totals: AnalyticsTotals) => number | null
  format: (value: number) => string
  exact: (value: number) => string
  /** Another percentile of the same. */
  beside?: { labelKey: string, value: (totals: AnalyticsTotals) => number | null }
  /** That less of it is better; undefined where more or less is neither. */
  lessIsBetter?: boolean
  /** Parts of a whole are stacked; others are lines. */
  isSum: boolean
}

const NANO_PER_USD = 1e9
/** Charts have no use for more digits than a double keeps. */
const usd = (dollars: number) => formatUsd(Math.round(dollars * NANO_PER_USD).toString())
const usdExact = (dollars: number) => formatUsdExact(Math.round(dollars * NANO_PER_USD).toString())

export const analyticsMeasures = ['requests', 'tokens', 'cost', 'errors', 'latency', 'firstToken', 'overhead', 'cacheHits'] as const
export type AnalyticsMeasure = typeof analyticsMeasures[number]

export const figures: Record<AnalyticsMeasure, Figure> = {
  requests: { labelKey: 'overview.figures.requests', value: ({ totalRequests }) => totalRequests, format: formatCompact, exact: formatCount, isSum: true },
  tokens: { labelKey: 'overview.figures.tokens', value: ({ totalTokens }) => totalTokens, format: formatCompact, exact: formatCount, isSum: true },
  cost: { labelKey: 'overview.figures.cost', value: ({ estimatedCostUsd }) => Number(estimatedCostUsd), format: usd, exact: usdExact, isSum: true },
  errors: { labelKey: 'overview.figures.errors', value: ({ errorRate, totalRequests }) => totalRequests === 0 ? null : errorRate, format: formatShare, exact: formatShareExact, lessIsBetter: true, isSum: false },
  latency: { labelKey: 'overview.figures.latency', value: ({ p95LatencyMs }) => p95LatencyMs, format: formatDuration, exact: formatDurationExact, beside: { labelKey: 'overview.figures.p50', value: ({ p50LatencyMs }) => p50LatencyMs }, lessIsBetter: true, isSum: false },
  firstToken: { labelKey: 'overview.figures.firstToken', value: ({ p50TimeToFirstTokenMs }) => p50TimeToFirstTokenMs, format: formatDuration, exact: formatDurationExact, beside: { labelKey: 'overview.figures.p95', value: ({ p95TimeToFirstTokenMs }) => p95TimeToFirstTokenMs }, lessIsBetter: true, isSum: false },
  overhead: { labelKey: 'overview.figures.overhead', value: ({ p50OverheadMs }) => p50OverheadMs, format: formatDuration, exact: formatDurationExact, beside: { labelKey: 'overview.figures.p95', value: ({ p95OverheadMs }) => p95OverheadMs }, lessIsBetter: true, isSum: false },
  cacheHits: { labelKey: 'overview.figures.cacheHits', value: ({ cacheHitRate, totalRequests }) => totalRequests === 0 ? null : cacheHitRate, format: formatShare, exact: formatShareExact, lessIsBetter: false, isSum: false }
}

/** "+12 %", "−3 %", "new"; undefined where there is nothing to compare. */
export function formatChange(now: number | null, before: number | null, t: Translate): string | undefined {
  if (now === null || before === null || (now === 0 && before === 0)) return undefined
  if (before === 0) return t('overview.change.new')
  const change = (now - before) / before
  if (Math.abs(change) < 0.0005) return '±0 %'
  const size = Math.abs(change * 100)
  return `${change > 0 ? '+' : '−'}${size >= 10_000 ? '>9,999' : Number(size.toFixed(size < 10 ? 1 : 0)).toLocaleString('en-US')} %`
}

/** A group as people call it. */
export function nameOf({ group, name, isOther }: Pick<TimeseriesGroup, 'group' | 'name' | 'isOther'>, by: Timeseries['groupBy'], t: Translate): string {
  if (isOther) return t('overview.groups.allOthers')
  if (name) return name
  if (group === null) return by === 'key' ? t('overview.groups.withoutKey') : by === 'model' || by === 'provider' ? t('overview.groups.notRouted') : t('overview.groups.none', { thing: by ?? 'group' })
  if (by === 'project') return t('overview.groups.goneOrClosed', { id: group.slice(0, 8) })
  return by === 'key' || by === 'user' ? t('overview.groups.gone', { id: group.slice(0, 8) }) : group
}

/** Decimals of USD as lists of money take them. */
export const toNanoUsd = (decimal: string): string => parseUsdDecimal(decimal).toString()
