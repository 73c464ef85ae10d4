import { z } from 'zod'
import type { Database } from '../../db/client'

/** An `Idempotency-Key` is its API key's own: no other key, of the org or another, reaches what is kept under it. */
export interface KeyName { orgId: string, apiKeyId: string, key: string }

export interface Claim extends KeyName {
  requestHash: string
  /** The call that will answer. */
  requestId: string
}

/** What is known of an answer besides its bytes. */
export const AnswerHead = z.object({
  requestId: z.string(),
  contentType: z.string(),
  provider: z.string(),
  model: z.string(),
  /** Who answered, as rules name it beside `model`: the connection's name, and what was served there. Answers kept before these were have neither. */
  connection: z.string().optional(),
  servedModel: z.string().optional(),
  attempts: z.number(),
  cache: z.string(),
  /** Null for a stream, which tells it in its usage. */
  costUsd: z.string().nullable()
})
export type AnswerHead = z.infer<typeof AnswerHead>

/** `running`: another call has the key. `answered`: so did its caller get, sealed with the org's data key, whose salt is null where that key was deleted since. */
export type ClaimResult
  = | { state: 'claimed' }
    | { state: 'running', requestHash: string }
    | { state: 'answered', requestHash: string, head: AnswerHead, answer: Buffer | null, answerIv: Buffer | null, encryptionSalt: Buffer | null }

const Row = z.union([
  z.object({ state: z.literal('claimed') }),
  z.object({ state: z.literal('running'), requestHash: z.string() }),
  z.object({
    state: z.literal('answered'),
    requestHash: z.string(),
    head: AnswerHead,
    answer: z.instanceof(Buffer).nullable(),
    answerIv: z.instanceof(Buffer).nullable(),
    encryptionSalt: z.instanceof(Buffer).nullable()
  })
])

/** How long an answer is kept. */
const KEPT_HOURS = 24

export interface Claimant { replicaId: string, replicaTimeoutMs: number }

/**
 * Claims a key for a call, or tells what has become of it: one statement, so of any number of racing calls one has it. A key whose time
 * has passed, or whose owner is a process that is gone, is claimed anew. With an answer comes the salt of its data key, as it is now: what a
 * process remembers of it may be older than its deletion.
 */
export async function claimKey(db: Pick<Database, 'query'>, { replicaId, replicaTimeoutMs }: Claimant, claim: Claim): Promise<ClaimResult> {
  for (;;) {
    const [row] = await db.query(CLAIM, [claim.orgId, claim.apiKeyId, claim.key, claim.requestHash, claim.requestId, replicaId, replicaTimeoutMs])
    // None: it was claimed, or given back, between our look and our attempt.
    if (row) return Row.parse(row)
  }
}

/** Whether a call has the key, under way or answered. */
export async function isClaimed(db: Pick<Database, 'query'>, { orgId, apiKeyId, key }: KeyName): Promise<boolean> {
  const rows = await db.query('select from idempotency_keys where org_id = $1 and api_key_id = $2 and key = $3 and expires_at > now()', [orgId, apiKeyId, key])
  return rows.length > 0
}

/** Whether a claim is still held by a call under way. */
export async function isRunning(db: Pick<Database, 'query'>, replicaTimeoutMs: number, { orgId, apiKeyId, key }: KeyName): Promise<boolean> {
  const rows = await db.query(
    `select from idempotency_keys k where org_id = $1 and api_key_id = $2 and key = $3 and head is null and expires_at > now() and not (${isAbandoned('$4')})`,
    [orgId, apiKeyId, key, replicaTimeoutMs]
  )
  return rows.length > 0
}

/** Of a row `k`: whether the process that claimed it is gone. */
export function isAbandoned(replicaTimeoutMs: string): string {
  return `not exists (select from replicas r where r.id = k.replica and r.heartbeat_at > now() - make_interval(secs => ${replicaTimeoutMs}::float8 / 1000))`
}

const CLAIM = `
with claimed as (
  insert into idempotency_keys as k (org_id, api_key_id, key, request_hash, request_id, replica, expires_at)
  values ($1, $2, $3, $4, $5, $6, now() + interval '${KEPT_HOURS} hours')
  on conflict (org_id, api_key_id, key) do update
     set request_hash = excluded.request_hash, request_id = excluded.request_id, replica = excluded.replica, head = null, answer = null,
         answer_iv = null, encryption_key_version = null, created_at = now(), expires_at = excluded.expires_at
   where k.expires_at < now() or (k.head is null and ${isAbandoned('$7')})
  returning 1
)
select 'claimed' as state, null as "requestHash", null::jsonb as head, null::bytea as answer, null::bytea as "answerIv", null::bytea as "encryptionSalt"
  from claimed
union all
select case when k.head is null then 'running' else 'answered' end, k.request_hash, k.head, k.answer, k.answer_iv, o.encryption_salt
  from idempotency_keys k left join orgs o on o.id = k.org_id and o.encryption_key_version = k.encryption_key_version
 where k.org_id = $1 and k.api_key_id = $2 and k.key = $3 and not exists (select from claimed)`
