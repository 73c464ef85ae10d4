import { z } from './zod'
import { TimeZone } from './identity'
import { Moment } from './moment'

export const analyticsGroups = ['model', 'provider', 'project', 'key', 'user', 'status'] as const
export const AnalyticsGroup = z.enum(analyticsGroups)
export type AnalyticsGroup = z.infer<typeof AnalyticsGroup>

export const analyticsBuckets = ['hour', 'day', 'week', 'month'] as const
export const AnalyticsBucket = z.enum(analyticsBuckets)
export type AnalyticsBucket = z.infer<typeof AnalyticsBucket>

/** The last 24 hours, or so many days with today. */
export const analyticsWindows = ['24h', '7d', '30d', '90d', '365d'] as const
export const AnalyticsWindow = z.enum(analyticsWindows)
export type AnalyticsWindow = z.infer<typeof AnalyticsWindow>

const HOUR_MS = 3_600_000
const BUCKETS_MAX = 800
const bucketMs = { hour: HOUR_MS, day: 24 * HOUR_MS, week: 168 * HOUR_MS, month: 672 * HOUR_MS }

const filters = {
  /** Ignored where `from` says more. */
  window: AnalyticsWindow.default('30d'),
  /** Included; rounded down to a whole hour of UTC. */
  from: Moment.optional(),
  /** Not included; now when left out. */
  to: Moment.optional(),
  /** Where days begin; the org's own when left out. */
  timeZone: TimeZone.optional(),
  model: z.string().max(256).optional(),
  provider: z.string().max(64).optional(),
  /** An exact status code, or `error` for every call that failed. */
  status: z.union([z.literal('error'), z.coerce.number().int().min(100).max(599)]).optional(),
  apiKeyId: z.uuid().optional(),
  projectId: z.uuid().optional(),
  userId: z.uuid().optional()
}

interface Span { window: AnalyticsWindow, from?: string | undefined, to?: string | undefined }

const isSpan = ({ from, to }: Span) => to === undefined || (from !== undefined && Date.parse(from) < Date.parse(to))
const aboutSpan = { path: ['to'], message: '`to` needs a `from` before it' }

/** The bucket of a span of so many milliseconds, where none is named. */
export function bucketFor(lengthMs: number): AnalyticsBucket {
  const days = lengthMs / (24 * HOUR_MS)
  if (days <= 2) return 'hour'
  if (days <= 92) return 'day'
  return days <= 370 ? 'week' : 'month'
}

function isBounded({ window, from, to, bucket }: Span & { bucket?: AnalyticsBucket | undefined }): boolean {
  const length = from ? (to ? Date.parse(to) : Date.now()) - Date.parse(from) : window === '24h' ? 24 * HOUR_MS : Number.parseInt(window) * 24 * HOUR_MS
  return length <= BUCKETS_MAX * bucketMs[bucket ?? bucketFor(length)]
}
const aboutBuckets = { path: ['bucket'], message: `more than ${BUCKETS_MAX} buckets; choose a larger bucket or a shorter time` }

export const AnalyticsQuery = z.object(filters).refine(isSpan, aboutSpan)
export type AnalyticsQuery = z.infer<typeof AnalyticsQuery>

const grouping = {
  /** Chosen to fit the window when left out. */
  bucket: AnalyticsBucket.optional(),
  groupBy: AnalyticsGroup.optional(),
  /** The largest groups are named, by cost and then by calls; the rest goes into one called other. */
  groups: z.coerce.number().int().min(1).max(50).default(8),
  /** `no`: the percentiles are null, and the answer comes sooner. */
  percentiles: z.enum(['yes', 'no']).default('yes')
}

export const TimeseriesQuery = z.object({ ...filters, ...grouping }).refine(isSpan, aboutSpan).refine(isBounded, aboutBuckets)
export type TimeseriesQuery = z.infer<typeof TimeseriesQuery>

const UsdDecimal = z.string().regex(/^-?\d+(\.\d+)?$/)
/** null: no call it could be told of. */
const Milliseconds = z.number().nullable()

/** What a set of calls adds up to. Failed calls count as requests, with their latency. */
export const AnalyticsTotals = z.object({
  totalRequests: z.int(),
  failedRequests: z.int(),
  /** 0 to 1; 0 where there was no call. */
  errorRate: z.number(),
  totalTokens: z.int(),
  inputTokens: z.int(),
  outputTokens: z.int(),
  cachedInputTokens: z.int(),
  reasoningTokens: z.int(),
  /** What was charged, exact: the same figures as in the ledger. */
  estimatedCostUsd: UsdDecimal,
  cacheHits: z.int(),
  cacheHitRate: z.number(),
  avgLatencyMs: Milliseconds,
  p50LatencyMs: Milliseconds,
  p95LatencyMs: Milliseconds,
  p50TimeToFirstTokenMs: Milliseconds,
  p95TimeToFirstTokenMs: Milliseconds,
  p50OverheadMs: Milliseconds,
  p95OverheadMs: Milliseconds
})
export type AnalyticsTotals = z.infer<typeof AnalyticsTotals>

/** `GET /v1/analytics/summary` */
export const AnalyticsSummary = AnalyticsTotals.extend({
  from: z.string(),
  to: z.string(),
  timeZone: z.string(),
  /** The period of the same length before. */
  previous: AnalyticsTotals.extend({ from: z.string(), to: z.string() })
})
export type AnalyticsSummary = z.infer<typeof AnalyticsSummary>

export const TimeseriesGroup = AnalyticsTotals.extend({
  /** A model, provider or status code, or an id; null: none, or the rest where `isOther`. */
  group: z.string().nullable(),
  /** What people call it; null where it is gone, has no name, or is a project closed to whoever asks. */
  name: z.string().nullable(),
  isOther: z.boolean(),
  /** One a bucket, in the order of `buckets`. */
  points: z.array(AnalyticsTotals)
})
export type TimeseriesGroup = z.infer<typeof TimeseriesGroup>

/** `GET /v1/analytics/timeseries` */
export const Timeseries = z.object({
  from: z.string(),
  to: z.string(),
  timeZone: z.string(),
  bucket: AnalyticsBucket,
  groupBy: AnalyticsGroup.nullable(),
  /** When each begins. A day, week (from Monday) or month begins at midnight in the time zone; where that is within an hour of UTC, at the whole hour before. */
  buckets: z.array(z.string()),
  /** Without `groupBy`: one, of everything. */
  groups: z.array(TimeseriesGroup)
})
export type Timeseries = z.infer<typeof Timeseries>

const { timeZone, apiKeyId, projectId, userId, ...sameOnWire } = filters
const wireFilters = { ...sameOnWire, time_zone: timeZone, api_key_id: apiKeyId, project_id: projectId, user_id: userId }

/** The same as `/v1` spells them. */
export const WireAnalyticsQuery = z.strictObject(wireFilters)
  .transform(({ time_zone, api_key_id, project_id, user_id, ...query }): AnalyticsQuery => ({ ...query, timeZone: time_zone, apiKeyId: api_key_id, projectId: project_id, userId: user_id }))
  .refine(isSpan, aboutSpan)

export const WireTimeseriesQuery = z.strictObject({ ...wireFilters, bucket: grouping.bucket, group_by: grouping.groupBy, groups: grouping.groups, percentiles: grouping.percentiles })
  .transform(({ time_zone, api_key_id, project_id, user_id, group_by, ...query }): TimeseriesQuery => ({ ...query, timeZone: time_zone, apiKeyId: api_key_id, projectId: project_id, userId: user_id, groupBy: group_by }))
  .refine(isSpan, aboutSpan).refine(isBounded, aboutBuckets)
