import type { usageSources } from '../../shared/billing'
import type { Tags } from '../../shared/traces'
import type { Sealed } from '../crypto/envelope'
import type { Usage } from '../gateway/usage'
import type { KeptAnswer } from '../idempotency/keep-answer'
import type { StoredSteps } from '../traces/rule-lists'
import type { BudgetShare } from './hold-funds'
import { bodyColumns, PackedBodies, unpacked } from './packed-bodies'

/** One finished call, as the ledger and the trace store take it. Money in nano-USD, times in ms. */
export interface FinishedCall {
  id: string
  createdAt: Date
  orgId: string
  projectId: string | null
  apiKeyId: string | null
  userId: string | null
  conversationId: string | null
  messageId: string | null
  endpoint: string
  requestedModel: string
  model: string
  provider: string
  statusCode: number
  errorType: string | null
  isStream: boolean
  cache: 'none' | 'hit' | 'miss'
  attempts: unknown[]
  latencyMs: number
  ttfbMs: number | null
  gatewayOverheadMs: number
  usage: Usage
  /** What the call is charged; null when it is not (it never held, or failed): then a hold is released. */
  charge: { costNanoUsd: bigint, usageSource: typeof usageSources[number], rawUsage: unknown, price: unknown } | null
  /** Where its money is held: a transaction of its own, in the budgets it has, or a part of a lease; null when none was held. */
  hold: { kind: 'own', id: string, budgets?: readonly BudgetShare[] | undefined } | { kind: 'lease', lease: { id: string, budgets?: readonly BudgetShare[] | undefined }, reserved: bigint } | null
  /** The org's data key that the bodies are sealed with. */
  encryptionKeyVersion: number
  request: Sealed | null
  response: Sealed | null
  /** What the caller knows it by; undefined when it gave nothing. */
  tags?: Tags | undefined
  steps?: StoredSteps
  /** Of a call that claimed an `Idempotency-Key`: what to keep under it; null when there was no answer, and the key is free again. */
  kept?: KeptAnswer | null | undefined
}

/**
 * What a statement takes a batch of calls as: their rows as JSON ($1), the replica ($2), their bodies ($3).
 * @param limits whether the limits of their budgets are needed, to tell how far a cost beyond its hold may go; there may be sixteen
 */
export function callParameters(replicaId: string, calls: FinishedCall[], limits: boolean): [string, string, string] {
  const bodies = new PackedBodies()
  return [JSON.stringify(calls.map((call, n) => toRecord(call, n, bodies, limits))), replicaId, bodies.toBase64()]
}

/** The budgets a call counts in; undefined where there is none. */
export function budgetsOf({ hold }: Pick<FinishedCall, 'hold'>): readonly BudgetShare[] | undefined {
  return hold?.kind === 'lease' ? hold.lease.budgets : hold?.budgets
}

function toRecord(call: FinishedCall, n: number, bodies: PackedBodies, limits: boolean) {
  const { usage, charge, hold, kept } = call
  const request = bodies.add(call.request)
  const response = bodies.add(call.response)
  return {
    n,
    id: call.id,
    created_at: call.createdAt,
    org_id: call.orgId,
    project_id: call.projectId,
    api_key_id: call.apiKeyId,
    user_id: call.userId,
    conversation_id: call.conversationId,
    message_id: call.messageId,
    endpoint: call.endpoint,
    requested_model: call.requestedModel,
    model: call.model,
    provider: call.provider,
    status_code: call.statusCode,
    error_type: call.errorType,
    is_stream: call.isStream,
    cache: call.cache,
    attempts: call.attempts,
    latency_ms: Math.round(call.latencyMs),
    ttfb_ms: call.ttfbMs === null ? null : Math.round(call.ttfbMs),
    gateway_overhead_ms: Math.round(call.gatewayOverheadMs * 1000) / 1000,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cached_input_tokens: usage.cachedInputTokens,
    reasoning_tokens: usage.reasoningTokens,
    hold_id: hold?.kind === 'own' ? hold.id : null,
    budgets: limits ? budgetsOf(call)?.map(({ windowId, limit }) => ({ id: windowId, limit: limit.toString() })) : undefined,
    lease_id: hold?.kind === 'lease' ? hold.lease.id : null,
    reserved: hold?.kind === 'lease' ? hold.reserved.toString() : null,
    charged: charge !== null,
    cost: (charge?.costNanoUsd ?? 0n).toString(),
    usage_source: charge?.usageSource ?? null,
    raw_usage: charge?.rawUsage ?? null,
    price: charge?.price ?? null,
    encryption_key_version: call.request || call.response ? call.encryptionKeyVersion : null,
    request_at: request?.at,
    request_size: request?.size,
    response_at: response?.at,
    response_size: response?.size,
    tags: call.tags,
    steps: call.steps,
    ...(kept !== undefined && toClaim(kept, bodies))
  }
}

function toClaim(kept: KeptAnswer | null, bodies: PackedBodies) {
  const body = bodies.add(kept?.body)
  return { claimed: true, kept_head: kept?.head, kept_at: body?.at, kept_size: body?.size, kept_key_version: kept?.encryptionKeyVersion }
}

/** The columns of `INPUT` but for its bodies, as `json_to_recordset` takes them. */
export const COLUMNS = `n int, id uuid, created_at timestamptz, org_id uuid, project_id uuid, api_key_id uuid, user_id uuid, conversation_id uuid, message_id uuid,
    endpoint text, requested_model text, model text, provider text, status_code int, error_type text, is_stream boolean, cache text, attempts jsonb,
    latency_ms int, ttfb_ms int, gateway_overhead_ms real, input_tokens bigint, output_tokens bigint, cached_input_tokens bigint, reasoning_tokens bigint,
    hold_id uuid, budgets jsonb, lease_id uuid, reserved bigint, charged boolean, cost bigint, usage_source text, raw_usage jsonb, price jsonb,
    encryption_key_version int, request_at int, request_size int, response_at int, response_size int, tags jsonb, steps jsonb`

/** Part of a `with`: the calls of a batch, from its parameters. */
export const INPUT = `
input as materialized (
  select r.*, ${bodyColumns('request')}, ${bodyColumns('response')}
    from ${unpacked('$3')} cross join json_to_recordset($1::text::json) as r(${COLUMNS})
)`

const USAGE = `id, org_id, project_id, api_key_id, user_id, conversation_id, message_id, endpoint, provider, model,
    input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, usage_source, raw_usage, price, cost, created_at`
const TRACE = `id, created_at, org_id, project_id, api_key_id, user_id, conversation_id, endpoint, requested_model, model, provider,
    status_code, error_type, is_stream, cache, attempts, latency_ms, ttfb_ms, gateway_overhead_ms, input_tokens, output_tokens, cached_input_tokens,
    reasoning_tokens, cost, request_body, request_iv, response_body, response_iv, encryption_key_version, steps`

/** Writes the usage records of those of `source` that are charged. */
export const use = (source: string) => `insert into usage_records (${USAGE}) select ${USAGE} from ${source} where charged`
/** Writes the traces of `source`. */
export const trace = (source: string) => `insert into traces (${TRACE}, tags) select ${TRACE}, coalesce(tags, '{}') from ${source}`
