import { z } from './zod'
import { transactionStatuses, transactionTypes, walletModes } from './billing'
import { modelModes } from './catalog'
import { Tags, traceGroups, TraceSteps } from './traces'

/** What `/v1` answers besides models' own formats: snake_case like the rest of that API, money as exact decimals in USD. */

const UsdDecimal = z.string().regex(/^-?\d+(\.\d+)?$/)

/** An error as OpenAI's SDKs read it. */
export const WireError = z.object({
  /** At `/v1/rerank`, where Cohere's clients look for it. */
  message: z.string().optional(),
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string(),
    /** What a program may read of the rule that refused. */
    details: z.record(z.string(), z.unknown()).optional()
  })
})
export type WireError = z.infer<typeof WireError>

/** An error as Anthropic's SDKs read it. */
export const WireAnthropicError = z.looseObject({
  type: z.literal('error'),
  error: z.looseObject({ type: z.string(), message: z.string() })
})

export const WireModel = z.object({
  id: z.string(),
  object: z.literal('model'),
  /** Seconds since 1970. */
  created: z.int(),
  owned_by: z.enum(['platform', 'org']),
  provider: z.string().nullable(),
  /** Which endpoint takes it. */
  mode: z.enum(modelModes),
  description: z.string().nullable(),
  context_window: z.int().nullable(),
  max_output_tokens: z.int().nullable(),
  /** USD per token, hour of sound, character, search and picture (by `<quality>/<size>`); null where no price is known. */
  pricing: z.object({
    prompt: UsdDecimal, completion: UsdDecimal, input_cache_read: UsdDecimal.optional(), input_cache_write: UsdDecimal.optional(),
    audio_hour: UsdDecimal.optional(), character: UsdDecimal.optional(), search: UsdDecimal.optional(), image: z.record(z.string(), UsdDecimal).optional()
  }).nullable()
})
export type WireModel = z.infer<typeof WireModel>

export const WireModelList = z.object({ object: z.literal('list'), data: z.array(WireModel) })

export const WireTraceSummary = z.object({
  id: z.string(),
  object: z.literal('trace'),
  created_at: z.string(),
  endpoint: z.string(),
  requested_model: z.string(),
  model: z.string(),
  provider: z.string(),
  status_code: z.int(),
  error_type: z.string().nullable(),
  is_stream: z.boolean(),
  cache: z.string(),
  latency_ms: z.number(),
  ttfb_ms: z.number().nullable(),
  gateway_overhead_ms: z.number(),
  input_tokens: z.int(),
  output_tokens: z.int(),
  cached_input_tokens: z.int(),
  reasoning_tokens: z.int(),
  cost_usd: UsdDecimal,
  project_id: z.string().nullable(),
  api_key_id: z.string().nullable(),
  user_id: z.string().nullable(),
  conversation_id: z.string().nullable(),
  /** What the call was given in `x-loom-tags` and `metadata`. */
  tags: Tags
})
export type WireTraceSummary = z.infer<typeof WireTraceSummary>

export const WireTrace = WireTraceSummary.extend({
  attempts: z.array(z.object({ connection: z.string(), provider: z.string(), model: z.string(), status: z.int().nullable(), error: z.string().nullable(), latency_ms: z.number() })),
  /** null for calls from before it was kept. */
  steps: TraceSteps.nullable(),
  /** Stored, and unreadable since the org deleted the key they were sealed with. */
  bodies_erased: z.boolean(),
  /** With `include=bodies` and the scope `bodies`, as far as they were kept. */
  request_body: z.string().nullable(),
  response_body: z.string().nullable()
})
export type WireTrace = z.infer<typeof WireTrace>

export const WireTracePage = z.object({ object: z.literal('list'), data: z.array(WireTraceSummary), next_cursor: z.string().nullable(), has_more: z.boolean() })
export type WireTracePage = z.infer<typeof WireTracePage>

export const WireUsage = z.object({
  object: z.literal('list'),
  from: z.string(),
  to: z.string(),
  group_by: z.enum(traceGroups),
  data: z.array(z.object({
    /** A day, a model, or the id of a key or project. */
    group: z.string().nullable(),
    calls: z.int(),
    input_tokens: z.int(),
    output_tokens: z.int(),
    cached_input_tokens: z.int(),
    reasoning_tokens: z.int(),
    cost_usd: UsdDecimal
  }))
})
export type WireUsage = z.infer<typeof WireUsage>

export const WireWallet = z.object({
  object: z.literal('wallet'),
  mode: z.enum(walletModes),
  balance_usd: UsdDecimal,
  /** Reserved for calls under way. */
  held_usd: UsdDecimal,
  /** null: without limit. */
  available_usd: UsdDecimal.nullable()
})
export type WireWallet = z.infer<typeof WireWallet>

const WireTransaction = z.object({
  id: z.string(),
  object: z.literal('transaction'),
  ref_id: z.string(),
  type: z.enum(transactionTypes),
  status: z.enum(transactionStatuses),
  amount_usd: UsdDecimal,
  held_usd: UsdDecimal,
  captured_usd: UsdDecimal,
  refunded_usd: UsdDecimal,
  balance_after_usd: UsdDecimal.nullable(),
  charge_id: z.string().nullable(),
  api_key_id: z.string().nullable(),
  description: z.string(),
  created_at: z.string(),
  settled_at: z.string().nullable()
})
export type WireTransaction = z.infer<typeof WireTransaction>

export const WireTransactionPage = z.object({ object: z.literal('list'), data: z.array(WireTransaction), next_cursor: z.string().nullable(), has_more: z.boolean() })
export type WireTransactionPage = z.infer<typeof WireTransactionPage>

const WireStatementLine = z.object({
  calls: z.int(),
  input_tokens: z.int(),
  output_tokens: z.int(),
  charged_usd: UsdDecimal,
  topped_up_usd: UsdDecimal,
  refunded_usd: UsdDecimal,
  adjusted_usd: UsdDecimal
})
export type WireStatementLine = z.infer<typeof WireStatementLine>

export const WireStatement = z.object({
  object: z.literal('statement'),
  month: z.string(),
  time_zone: z.string(),
  from: z.string(),
  to: z.string(),
  /** The month is over and nothing of it is under way. */
  final: z.boolean(),
  opening_balance_usd: UsdDecimal,
  closing_balance_usd: UsdDecimal,
  totals: WireStatementLine,
  by_day: z.array(WireStatementLine.extend({ day: z.string() })),
  by_model: z.array(WireStatementLine.extend({ provider: z.string().nullable(), model: z.string().nullable() })),
  by_key: z.array(WireStatementLine.extend({ api_key_id: z.string().nullable(), name: z.string().nullable() })),
  by_project: z.array(WireStatementLine.extend({ project_id: z.string().nullable(), name: z.string().nullable() }))
})
export type WireStatement = z.infer<typeof WireStatement>

/** The answer to `DELETE /v1/cache`. */
export const PurgedCache = z.object({ purged: z.literal(true) })
export type PurgedCache = z.infer<typeof PurgedCache>
