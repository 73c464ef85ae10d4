import { z } from './zod'
import { NanoUsdString } from './billing'
import { Moment } from './moment'
import { policyRules, policyScopes } from './policy'

export const traceGroups = ['day', 'model', 'key', 'project'] as const

export const Attempt = z.object({
  connection: z.string(),
  provider: z.string(),
  model: z.string(),
  status: z.number().nullable(),
  error: z.string().nullable(),
  latencyMs: z.number()
})

/** What a call passes on the road, in order. An answer that does not stream has its `first_byte` when it is there whole. */
export const traceSteps = ['auth', 'read', 'policy', 'hold', 'attempt', 'first_byte', 'end', 'capture'] as const

/** What one rule decided of the call. */
export const TraceDecision = z.object({
  rule: z.enum(policyRules),
  scope: z.enum(policyScopes),
  outcome: z.enum(['allow', 'deny']),
  limit: z.union([z.number(), z.string()]).optional(),
  remaining: z.union([z.number(), z.string()]).optional().describe('After this call; of a denial, and of budgets beside one, before it. Of budgets and the wallet in USD.'),
  message: z.string().optional().describe('Of a denial: what the caller was told.')
})
export type TraceDecision = z.infer<typeof TraceDecision>

export const TraceSteps = z.object({
  at: z.partialRecord(z.enum(traceSteps), z.number()).describe('When each step was passed, in ms since the call came in. Steps that it did not reach are left out.'),
  decisions: z.array(TraceDecision).describe('In the order they were made. Rules that were not asked, because the call had ended, are left out.')
})
export type TraceSteps = z.infer<typeof TraceSteps>

export const Tags = z.record(z.string(), z.string())
export type Tags = z.infer<typeof Tags>

/** Of the tags of one call: how many, and how many characters of each. */
export const MAX_TAGS = 16
export const MAX_TAG_NAME = 64
export const MAX_TAG_VALUE = 512

/** One call as lists show it. */
export const TraceSummary = z.object({
  id: z.string(),
  createdAt: z.string(),
  endpoint: z.string(),
  requestedModel: z.string(),
  model: z.string(),
  provider: z.string(),
  statusCode: z.number(),
  errorType: z.string().nullable(),
  isStream: z.boolean(),
  cache: z.string(),
  latencyMs: z.number(),
  ttfbMs: z.number().nullable(),
  gatewayOverheadMs: z.number(),
  inputTokens: z.number(),
  outputTokens: z.number(),
  cachedInputTokens: z.number(),
  reasoningTokens: z.number(),
  costNanoUsd: NanoUsdString,
  projectId: z.string().nullable(),
  apiKeyId: z.string().nullable(),
  userId: z.string().nullable(),
  conversationId: z.string().nullable(),
  tags: Tags
})
export type TraceSummary = z.infer<typeof TraceSummary>

/** The full record. Bodies are there when they were asked for, may be seen, and were kept. */
export const Trace = TraceSummary.extend({
  attempts: z.array(Attempt),
  /** null for calls from before it was kept. */
  steps: TraceSteps.nullable(),
  /** Its bodies were stored, and cannot be read any more: the org deleted the key they were sealed with. */
  bodiesErased: z.boolean(),
  requestBody: z.string().nullable(),
  responseBody: z.string().nullable()
})
export type Trace = z.infer<typeof Trace>

export const TracePage = z.object({ items: z.array(TraceSummary), nextCursor: z.string().nullable() })
export type TracePage = z.infer<typeof TracePage>

/** `name=value` of a tag. */
const Tag = z.string().regex(new RegExp(`^[^=]{1,${MAX_TAG_NAME}}=.{0,${MAX_TAG_VALUE}}$`, 's'), 'must be name=value').transform((text) => {
  const at = text.indexOf('=')
  return { [text.slice(0, at)]: text.slice(at + 1) }
})

const traceFilters = {
  from: Moment.optional(),
  to: Moment.optional(),
  model: z.string().max(256).optional(),
  provider: z.string().max(64).optional(),
  /** An exact status code, or `error` for every call that failed. */
  status: z.union([z.literal('error'), z.coerce.number().int().min(100).max(599)], 'must be a status such as 429, or "error"').optional(),
  apiKeyId: z.uuid().optional(),
  projectId: z.uuid().optional(),
  userId: z.uuid().optional(),
  conversationId: z.uuid().optional(),
  /** Calls that took or cost this much or more. */
  minLatencyMs: z.coerce.number().int().min(0).max(2 ** 31 - 1).optional(),
  minCostUsd: z.string().regex(/^\d{1,9}(\.\d{1,9})?$/, 'must be an amount in USD').optional(),
  tag: Tag.optional()
}
const paging = { limit: z.coerce.number().int().min(1).max(200).default(50), cursor: z.string().max(200).optional() }

/** Filters of a trace list; times are ISO 8601, `from` included, `to` not. */
export const TraceFilter = z.object(traceFilters)
export type TraceFilter = z.infer<typeof TraceFilter>

export const TraceQuery = z.object({ ...paging, ...traceFilters })
export type TraceQuery = z.infer<typeof TraceQuery>

/** `GET /api/traces/search`: the same, and text to be found in the bodies. */
export const TraceSearchQuery = z.object({ cursor: paging.cursor, ...traceFilters, text: z.string().trim().min(2).max(200) })
export type TraceSearchQuery = z.infer<typeof TraceSearchQuery>

/** What one look through the bodies found. */
export const TraceSearchPage = TracePage.extend({
  /** How many traces were looked through, and the time of the last; null when there was none. */
  searched: z.int(),
  searchedTo: z.string().nullable()
})
export type TraceSearchPage = z.infer<typeof TraceSearchPage>

export const exportFormats = ['csv', 'jsonl'] as const
/** `GET /api/traces/export` */
export const TraceExportQuery = z.object({ ...traceFilters, format: z.enum(exportFormats).default('csv') })
export type TraceExportQuery = z.infer<typeof TraceExportQuery>

/** `GET /api/traces/facets`: what there is to filter by, the most frequent first. */
const Facet = z.object({ value: z.string(), name: z.string().nullable(), requests: z.int() })
export const TraceFacets = z.object({ model: z.array(Facet), provider: z.array(Facet), project: z.array(Facet), key: z.array(Facet), user: z.array(Facet), status: z.array(Facet) })
export type TraceFacets = z.infer<typeof TraceFacets>

/** `POST /api/traces/views`: a filter kept by name, as the query string of the page. */
export const SaveView = z.strictObject({ name: z.string().trim().min(1).max(60), query: z.string().max(2_000) })
export type SaveView = z.infer<typeof SaveView>
export const SavedView = z.object({ id: z.string(), name: z.string(), query: z.string() })
export type SavedView = z.infer<typeof SavedView>
export const SavedViews = z.object({ views: z.array(SavedView) })

/** `POST /api/traces/{id}/replay` */
export const ReplayTrace = z.strictObject({ model: z.string().trim().min(1).max(256) })
export type ReplayTrace = z.infer<typeof ReplayTrace>
export const ReplayedTrace = z.object({ traceId: z.string(), error: z.string().nullable() })
export type ReplayedTrace = z.infer<typeof ReplayedTrace>

/** `POST /api/traces/{id}/conversation`: what was said in the call, as a conversation in this project. The answer is a `Conversation`. */
export const OpenTrace = z.strictObject({ projectId: z.uuid() })

const Named = z.object({ id: z.string(), name: z.string() }).nullable()

/** `GET /api/traces/{id}`: the record, and what belongs to it. */
export const TraceDetail = Trace.extend({
  key: Named,
  project: Named,
  user: Named,
  conversation: Named,
  messageId: z.string().nullable(),
  /** The line of the ledger; null where nothing was charged. */
  charge: z.object({
    status: z.string(),
    refId: z.string(),
    heldNanoUsd: NanoUsdString,
    capturedNanoUsd: NanoUsdString,
    refundedNanoUsd: NanoUsdString,
    usageSource: z.string(),
    rawUsage: z.unknown(),
    price: z.unknown()
  }).nullable()
})
export type TraceDetail = z.infer<typeof TraceDetail>

export const UsageQuery = z.object({
  from: Moment.optional(),
  to: Moment.optional(),
  groupBy: z.enum(traceGroups).default('day')
})
export type UsageQuery = z.infer<typeof UsageQuery>

/** Totals of one group: a day (UTC, `2026-01-31`), a model, a key's or a project's id (null: none). */
export const UsageTotals = z.object({
  group: z.string().nullable(),
  calls: z.number(),
  inputTokens: z.number(),
  outputTokens: z.number(),
  cachedInputTokens: z.number(),
  reasoningTokens: z.number(),
  costNanoUsd: NanoUsdString
})
export type UsageTotals = z.infer<typeof UsageTotals>

export const UsageReport = z.object({ from: z.string(), to: z.string(), groupBy: z.enum(traceGroups), items: z.array(UsageTotals) })
export type UsageReport = z.infer<typeof UsageReport>

/** The same filters as `/v1` spells them; one that is misspelt would let everything through, and is refused. */
export const WireTraceQuery = z.strictObject({
  ...TraceQuery.omit({ apiKeyId: true, projectId: true, userId: true, conversationId: true, minLatencyMs: true, minCostUsd: true }).shape,
  api_key_id: traceFilters.apiKeyId,
  project_id: traceFilters.projectId,
  user_id: traceFilters.userId,
  conversation_id: traceFilters.conversationId,
  min_latency_ms: traceFilters.minLatencyMs,
  min_cost_usd: traceFilters.minCostUsd
}).transform(({ api_key_id, project_id, user_id, conversation_id, min_latency_ms, min_cost_usd, ...query }): TraceQuery => ({
  ...query, apiKeyId: api_key_id, projectId: project_id, userId: user_id, conversationId: conversation_id, minLatencyMs: min_latency_ms, minCostUsd: min_cost_usd
}))

export const WireUsageQuery = z.strictObject({ from: UsageQuery.shape.from, to: UsageQuery.shape.to, group_by: UsageQuery.shape.groupBy })
  .transform(({ group_by, ...query }): UsageQuery => ({ ...query, groupBy: group_by }))
