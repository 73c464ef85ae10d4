import { z } from 'zod'
import { addToHours } from '../analytics/roll-up'
import type { Database } from '../../db/client'
import type { usageSources } from '../../shared/billing'
import type { Tags, TraceSteps } from '../../shared/traces'
import type { Sealed } from '../crypto/envelope'
import type { Usage } from '../gateway/usage'
import type { BudgetParts } from './capture-in-budgets'
import { inBudgets, withoutBudgets } from './capture-in-budgets'
import type { BudgetShare } from './hold-funds'
import type { KeptAnswer } from '../idempotency/keep-answer'
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
  hold: { kind: 'own', id: string, budgets?: readonly BudgetShare[] | undefined } | { kind: 'lease', lease: { id: string }, reserved: bigint } | null
  /** The org's data key that the bodies are sealed with. */
  encryptionKeyVersion: number
  request: Sealed | null
  response: Sealed | null
  /** What the caller knows it by; undefined when it gave nothing. */
  tags?: Tags | undefined
  steps?: TraceSteps
  /** Of a call that claimed an `Idempotency-Key`: what to keep under it; null when there was no answer, and the key is free again. */
  kept?: KeptAnswer | null | undefined
}

/** `settled`: as asked. `short`: the cost exceeded hold and funds, only the hold was captured. `gone`: the hold or lease was no longer there, or the call settled before. */
export type CaptureOutcome = 'settled' | 'short' | 'gone'

/** Only what did not settle comes back. */
const Row = z.object({ n: z.number(), outcome: z.enum(['short', 'gone']) })

/**
 * Settles a whole batch of calls in one statement, so in one transaction: hold → captured or released, or a captured row drawn on
 * the lease; wallet, usage record, trace, the totals of its hour. Idempotent by request id: a call that was settled before changes nothing, so a batch whose
 * fate is unknown may be sent again. Wallet rows are locked first, windows of budgets last, in the order that holding locks them.
 * A call's claim on an `Idempotency-Key` is settled with it: charged means kept, and what was not answered is free. One that lost its claim (its
 * process was thought dead, and another call took over) is charged nothing: that other one is.
 */
export async function captureCalls(db: Pick<Database, 'query'>, replicaId: string, calls: FinishedCall[]): Promise<CaptureOutcome[]> {
  const bodies = new PackedBodies()
  const records = JSON.stringify(calls.map((call, n) => toRecord(call, n, bodies)))
  const parameters = [records, replicaId, bodies.toBase64()]
  if (calls.every(isDrawn) && await drawAll(db, calls, parameters)) return calls.map(() => 'settled')
  const rows = await db.query(statementFor(calls), parameters)
  const outcomes = new Map(rows.map(row => Row.parse(row)).map(row => [row.n, row.outcome]))
  return calls.map((_, n) => outcomes.get(n) ?? 'settled')
}

/** The least that does what the batch needs. */
function statementFor(calls: FinishedCall[]): string {
  const budgets = calls.some(({ hold }) => hold?.kind === 'own' && hold.budgets) ? 'inBudgets' : 'withoutBudgets'
  return statements[budgets][calls.some(call => call.kept !== undefined) ? 'claimed' : 'unclaimed']
}

/** Whether a call draws what it costs on a lease that has reserved as much, or moves no money; and has claimed no `Idempotency-Key`. */
function isDrawn({ hold, charge, kept }: FinishedCall): boolean {
  if (kept !== undefined || hold?.kind === 'own') return false
  return charge === null || (hold !== null && charge.costNanoUsd <= hold.reserved)
}

/**
 * Settles a batch of calls that `isDrawn` in the shorter statement, which can do nothing else: all of them, or none.
 * @returns false when none: one of them was settled before, or its lease is gone
 */
async function drawAll(db: Pick<Database, 'query'>, calls: FinishedCall[], parameters: unknown[]): Promise<boolean> {
  try {
    await db.query(DRAW, [...parameters, ...drawnSums(calls)])
    return true
  } catch (error) {
    const { data } = z.object({ code: z.enum(VIOLATIONS) }).safeParse(error)
    if (!data) throw error
    return false
  }
}

/** What the charged calls cost each wallet and each lease, in the order that they are locked. */
function drawnSums(calls: FinishedCall[]): [string, string] {
  const wallets = new Map<string, bigint>()
  const leases = new Map<string, { org_id: string, cost: bigint }>()
  for (const { orgId, charge, hold } of calls) {
    if (!charge || hold?.kind !== 'lease') continue
    wallets.set(orgId, (wallets.get(orgId) ?? 0n) + charge.costNanoUsd)
    leases.set(hold.lease.id, { org_id: orgId, cost: (leases.get(hold.lease.id)?.cost ?? 0n) + charge.costNanoUsd })
  }
  const inOrder = <T>(sums: Map<string, T>) => [...sums].sort(([a], [b]) => a < b ? -1 : 1)
  return [
    JSON.stringify(inOrder(wallets).map(([org_id, cost]) => ({ org_id, cost: cost.toString() }))),
    JSON.stringify(inOrder(leases).map(([id, { org_id, cost }]) => ({ id, org_id, cost: cost.toString() })))
  ]
}

function toRecord(call: FinishedCall, n: number, bodies: PackedBodies) {
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
    budgets: hold?.kind === 'own' ? hold.budgets?.map(({ windowId, limit }) => ({ id: windowId, limit: limit.toString() })) : undefined,
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

/** SQLSTATE: a NOT NULL, a unique key, a check violated. */
const VIOLATIONS = ['23502', '23505', '23514'] as const

const COLUMNS = `n int, id uuid, created_at timestamptz, org_id uuid, project_id uuid, api_key_id uuid, user_id uuid, conversation_id uuid, message_id uuid,
    endpoint text, requested_model text, model text, provider text, status_code int, error_type text, is_stream boolean, cache text, attempts jsonb,
    latency_ms int, ttfb_ms int, gateway_overhead_ms real, input_tokens bigint, output_tokens bigint, cached_input_tokens bigint, reasoning_tokens bigint,
    hold_id uuid, budgets jsonb, lease_id uuid, reserved bigint, charged boolean, cost bigint, usage_source text, raw_usage jsonb, price jsonb,
    encryption_key_version int, request_at int, request_size int, response_at int, response_size int, tags jsonb, steps jsonb`

const INPUT = `
input as materialized (
  select r.*, ${bodyColumns('request')}, ${bodyColumns('response')}
    from ${unpacked('$3')} cross join json_to_recordset($1::text::json) as r(${COLUMNS})
)`

const nameOf = (column: string) => column.trim().split(' ')[0]

/** The rows of hourly usage that this process writes: one of eight of each key, so that few replicas share them. */
const SLOT = 'get_byte(uuid_send($2::uuid), 15) & 7'

/** A call that lost its claim is charged nothing. Claims are locked before wallets, in the order of their calls' ids. */
const CLAIMED_INPUT = `
asked as materialized (
  select r.*, ${bodyColumns('request')}, ${bodyColumns('response')}, ${bodyColumns('kept')}
    from ${unpacked('$3')}
   cross join json_to_recordset($1::text::json) as r(${COLUMNS}, claimed boolean, kept_head jsonb, kept_at int, kept_size int, kept_key_version int)
), owned as materialized (
  select request_id from idempotency_keys where request_id = any(array(select id from asked where claimed)) and head is null order by request_id for update
), input as materialized (
  select ${COLUMNS.split(',').map(nameOf).filter(name => name !== 'charged' && name !== 'cost').join(', ')}, request_body, request_iv, response_body, response_iv,
         claimed, kept_head, kept_body, kept_iv, kept_key_version,
         a.charged and (claimed is not true or o.request_id is not null) as charged, case when claimed is not true or o.request_id is not null then cost else 0 end as cost
    from asked a left join owned o on o.request_id = a.id
)`

const KEEP = `, kept as (
  update idempotency_keys k
     set head = i.kept_head, answer = i.kept_body, answer_iv = i.kept_iv, encryption_key_version = i.kept_key_version
    from recorded i where i.kept_head is not null and k.request_id = i.id and k.request_id = any(array(select id from recorded where kept_head is not null))
), freed as (
  delete from idempotency_keys where head is null and request_id = any(array(select id from recorded where claimed and kept_head is null))
)`

const USAGE = `id, org_id, project_id, api_key_id, user_id, conversation_id, message_id, endpoint, provider, model,
    input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, usage_source, raw_usage, price, cost, created_at`
const TRACE = `id, created_at, org_id, project_id, api_key_id, user_id, conversation_id, endpoint, requested_model, model, provider,
    status_code, error_type, is_stream, cache, attempts, latency_ms, ttfb_ms, gateway_overhead_ms, input_tokens, output_tokens, cached_input_tokens,
    reasoning_tokens, cost, request_body, request_iv, response_body, response_iv, encryption_key_version, steps`

const use = (source: string) => `insert into usage_records (${USAGE}) select ${USAGE} from ${source} where charged`
const trace = (source: string) => `insert into traces (${TRACE}, tags) select ${TRACE}, coalesce(tags, '{}') from ${source}`

const RECORD = `, used as (
  ${use('recorded')} on conflict (id) do nothing
), traced as (
  ${trace('recorded')} on conflict do nothing returning id
), ${addToHours('(select * from recorded where id in (select id from traced)) as added', SLOT)}`

// Rows are found by their primary key, whatever the planner believes of a table that grew since it last looked: `= any(array)` leaves
// it no other sensible way. With `status = 'held'` to go by it would walk the partial index of held rows, where every call
// settled since the last vacuum has left a dead entry; what is held is what is not settled yet.
// The wallet is written as its lock found it (docs/decisions/2026-11-28-a-locked-row-is-written-as-it-was-locked.md).
// A call on a lease that is not charged moves no money: what was reserved for it is the lease's again, in the memory of its process.
const capture = (input: string, keep: string, { lock, judge, within, count }: BudgetParts) => `
with ${input}, locked as materialized (
  select org_id, mode, balance, held, balance - held as available from wallets
   where org_id = any(array(select org_id from input where hold_id is not null or lease_id is not null and charged)) order by org_id for update
), leased as materialized (
  select id, org_id from wallet_leases
   where id = any(array(select lease_id from input where charged)) and org_id in (select org_id from locked) order by id for update
), found as materialized (
  select id, org_id, status, held from transactions where id = any(array(select hold_id from input))
)${lock}, due as materialized (
  select i.n, i.id, i.hold_id, i.lease_id, i.org_id, i.api_key_id, i.created_at, i.charged, i.cost, l.balance, l.mode, l.available,
         coalesce(t.held, i.reserved) as held, greatest(i.cost - coalesce(t.held, i.reserved), 0) as excess
    from input i join locked l using (org_id)
    left join found t on t.id = i.hold_id and t.org_id = i.org_id
   where t.status = 'held' or i.charged and exists (select from leased where leased.id = i.lease_id and leased.org_id = i.org_id)
)${judge}, priced as materialized (
  select d.*, case when not charged then 0
                   when excess = 0 or (mode = 'unlimited' or sum(excess) over (partition by org_id order by excess, n) <= available)${within} then cost
                   else held end as captured
    from due d
), running as materialized (
  select *, balance - sum(captured) over (partition by org_id order by n) as balance_after from priced
), settled as (
  update transactions t
     set status = case when r.charged then 'captured' else 'released' end, captured = r.captured, settled_at = now(), balance_after = r.balance_after
    from running r
   where t.id = r.hold_id and t.id = any(array(select hold_id from running)) and t.settled_at is null
  returning t.id, t.org_id, t.held as freed, t.captured
)${count}, drawn as (
  insert into transactions (id, org_id, ref_id, type, status, held, captured, balance_after, api_key_id, replica, created_at, settled_at)
  select id, org_id, id::text, 'charge', 'captured', held, captured, balance_after, api_key_id, $2::uuid, created_at, now() from running where lease_id is not null
  on conflict do nothing
  returning id, org_id, least(held, captured) as freed, captured
), done as materialized (
  select * from settled union all select * from drawn
), paid as (
  update wallets w set mode = l.mode, balance = l.balance - s.captured, held = l.held - s.freed, updated_at = now()
    from (select org_id, sum(captured)::bigint as captured, sum(freed)::bigint as freed from done group by org_id) s join locked l using (org_id)
   where w.org_id = s.org_id and w.org_id = any(array(select org_id from done))
), shrunk as (
  update wallet_leases l set amount = l.amount - s.freed
    from (select i.lease_id, sum(d.freed)::bigint as freed from drawn d join input i using (id) group by i.lease_id) s
   where l.id = s.lease_id and l.id = any(array(select lease_id from input))
), recorded as materialized (
  select i.* from input i where coalesce(i.hold_id, case when charged then lease_id end) is null or coalesce(i.hold_id, i.id) in (select id from done)
)${RECORD}${keep}
select i.n, case when d.id is null then 'gone' else 'short' end as outcome
  from input i left join done d on d.id = coalesce(i.hold_id, i.id)
 where coalesce(i.hold_id, case when i.charged then i.lease_id end) is not null and (d.id is null or i.charged and d.captured < i.cost)`

/**
 * The same for a batch whose calls all draw on leases, or move no money, and cost no more than was reserved: what is left of the statement when nothing else can
 * happen, with the sums that the process knows ($4, $5). It takes PostgreSQL a sixth less. What it does not expect fails it as a whole: a call that was settled
 * before (its id is there), or whose lease is gone (what was held for it is NULL, and no longer part of what the wallet holds).
 */
const DRAW = `
with ${INPUT}, paid as (
  update wallets w set balance = w.balance - s.cost, held = w.held - s.cost, updated_at = now()
    from json_to_recordset($4::text::json) as s(org_id uuid, cost bigint)
   where w.org_id = s.org_id
  returning w.org_id, w.balance + s.cost as balance
), shrunk as (
  update wallet_leases l set amount = l.amount - s.cost
    from json_to_recordset($5::text::json) as s(id uuid, org_id uuid, cost bigint)
   where l.id = s.id and l.org_id = s.org_id and s.org_id in (select org_id from paid)
  returning l.id
), drawn as (
  insert into transactions (id, org_id, ref_id, type, status, held, captured, balance_after, api_key_id, replica, created_at, settled_at)
  select i.id, i.org_id, i.id::text, 'charge', 'captured', case when l.id is not null then i.reserved end, i.cost, w.balance - sum(i.cost) over (partition by i.org_id order by i.n),
         i.api_key_id, $2::uuid, i.created_at, now()
    from input i left join paid w using (org_id) left join shrunk l on l.id = i.lease_id
   where i.charged
  returning id
), used as (
  ${use('input')}
), traced as (
  ${trace('input')}
), ${addToHours('input', SLOT)}
select id from drawn`

/** Batches without claims or budgets need not pay for them. */
const statements = {
  withoutBudgets: { unclaimed: capture(INPUT, '', withoutBudgets), claimed: capture(CLAIMED_INPUT, KEEP, withoutBudgets) },
  inBudgets: { unclaimed: capture(INPUT, '', inBudgets), claimed: capture(CLAIMED_INPUT, KEEP, inBudgets) }
}
