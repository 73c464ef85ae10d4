import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../../db/client'
import type { Keyring } from '../crypto/keyring'
import { LoomError } from '../errors'
import { openBody } from '../traces/seal-body'
import type { AnswerHead, Claim, ClaimResult, KeyName } from './claim-key'
import { claimKey, isClaimed, isRunning } from './claim-key'
import { AnswerKeeper } from './keep-answer'
import { sweepClaims } from './sweep-claims'

const FIRST_LOOK_MS = 25
const LONGEST_PAUSE_MS = 500
/** How many repeats of a call under way may wait for it in a process, each with its body: no limit counts them. */
export const MAX_WAITING = 16

interface Parts { db: Database, keyring: Keyring, replicaId: string, replicaTimeoutMs: number, patienceMs: number, openHolds: ReadonlySet<string> }

/** Whose answers are kept, and with which key. */
interface Owner { orgId: string, apiKeyId: string, encryptionSalt: Buffer, encryptionKeyVersion: number }

/** An answer given before, as it is given again. */
export interface Replay { head: AnswerHead, body: Buffer }

/** This process's part in idempotent calls: what it claimed, and what its callers wait for. */
export class Replays {
  /** Claims of calls under way here, by request id; the sweeper leaves them alone. */
  private readonly open = new Set<string>()
  /** One look-out a key, and how many wait for it. */
  private readonly watches = new Map<string, { settled: Promise<void>, waiting: number }>()

  constructor(private readonly parts: Parts) {}

  /**
   * Answers a repeated call, or lets a first one pass. While another call has the key, waits for what becomes of it.
   * @returns the answer to give again, or a keeper for the answer that is to come: then `settled` is due when the call has ended
   * @throws {LoomError} `idempotency_conflict` when the key belongs to another request, its answer was not kept or does not come in time, or
   * as many wait for it as may; `caller_gone`; `service_unavailable` when the database does not answer
   */
  async begin(owner: Owner, { key, requestHash, requestId }: Omit<Claim, 'orgId' | 'apiKeyId'>, signal: AbortSignal): Promise<{ replay: Replay } | { keeper: AnswerKeeper }> {
    const name = { orgId: owner.orgId, apiKeyId: owner.apiKeyId, key }
    const deadline = performance.now() + this.parts.patienceMs
    for (;;) {
      const result = await this.claim({ ...name, requestHash, requestId })
      if (result.state === 'claimed') return { keeper: new AnswerKeeper(owner, this.orgKey(owner)) }
      if (result.requestHash !== requestHash) {
        throw new LoomError('idempotency_conflict', 'This Idempotency-Key was used for another request. Send the same request byte for byte, or use a new key.', { param: 'Idempotency-Key' })
      }
      if (result.state === 'answered') return { replay: this.read(owner, result) }
      if (performance.now() > deadline) throw stillRunning()
      await this.settlement(name, signal)
    }
  }

  /**
   * Whether an earlier call of the API key has this key, and may have the answer to give again.
   * @throws {LoomError} `service_unavailable` when the database does not answer
   */
  async isClaimed({ orgId, apiKeyId }: { orgId: string, apiKeyId: string | null }, key: string): Promise<boolean> {
    return apiKeyId !== null && await isClaimed(this.parts.db, { orgId, apiKeyId, key }).catch(failLookUp)
  }

  /** The call of a claim has ended: its capture has told the database what became of the claim. */
  settled(requestId: string): void {
    this.open.delete(requestId)
  }

  async sweep(): Promise<void> {
    const { db, replicaId, replicaTimeoutMs, openHolds } = this.parts
    // A call whose capture waits for the database has ended, but not settled.
    await sweepClaims(db, { replicaId, replicaTimeoutMs, open: new Set([...this.open, ...openHolds]) })
  }

  private async claim(claim: Claim): Promise<ClaimResult> {
    this.open.add(claim.requestId)
    try {
      const result = await claimKey(this.parts.db, this.parts, claim)
      if (result.state !== 'claimed') this.open.delete(claim.requestId)
      return result
    } catch (cause) {
      // Whether it was committed is unknown; if so, the sweeper gives it back.
      this.open.delete(claim.requestId)
      failLookUp(cause)
    }
  }

  private read({ orgId }: Owner, { head, answer, answerIv, encryptionSalt }: Extract<ClaimResult, { state: 'answered' }>): Replay {
    if (!answer || !answerIv) throw notKept(head, 'was too long to be kept, or broken off')
    if (!encryptionSalt) throw notKept(head, 'was sealed with a data key that is gone')
    return { head, body: openBody(this.orgKey({ orgId, encryptionSalt }), orgId, head.requestId, 'replay', { data: answer, iv: answerIv }) }
  }

  private orgKey({ orgId, encryptionSalt }: Pick<Owner, 'orgId' | 'encryptionSalt'>) {
    return this.parts.keyring.forOrg(orgId, encryptionSalt)
  }

  /** Resolves when the call that has the key has ended, or it is time to give up; rejects when the caller leaves first, or as many wait as may. */
  private async settlement(name: KeyName, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const id = JSON.stringify([name.orgId, name.apiKeyId, name.key])
    let watch = this.watches.get(id)
    if (!watch) {
      watch = { settled: this.watch(name).finally(() => this.watches.delete(id)), waiting: 0 }
      this.watches.set(id, watch)
    }
    if (watch.waiting >= MAX_WAITING) throw stillRunning()
    watch.waiting++
    const gone = Promise.withResolvers<never>()
    const leave = () => gone.reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    try {
      await Promise.race([watch.settled, gone.promise])
    } finally {
      watch.waiting--
      signal.removeEventListener('abort', leave)
    }
  }

  private async watch(name: KeyName): Promise<void> {
    const deadline = performance.now() + this.parts.patienceMs
    for (let pauseMs = FIRST_LOOK_MS; performance.now() < deadline; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      await sleep(pauseMs)
      if (!await isRunning(this.parts.db, this.parts.replicaTimeoutMs, name)) return
    }
  }
}

function stillRunning(): LoomError {
  return new LoomError('idempotency_conflict', 'The first call with this Idempotency-Key is still running. Try again later.', { param: 'Idempotency-Key', retryAfterSeconds: 5 })
}

/** @throws {LoomError} the 503 of a database that does not answer */
function failLookUp(cause: unknown): never {
  throw new LoomError('service_unavailable', 'The Idempotency-Key cannot be looked up right now. Nothing was charged; try again shortly.', { cause, retryAfterSeconds: 2 })
}

function notKept(head: AnswerHead, why: string): LoomError {
  return new LoomError('idempotency_conflict', `The call with this Idempotency-Key was answered and charged, but its answer ${why}. Its trace is ${head.requestId}. Use a new key to ask again.`, {
    param: 'Idempotency-Key', details: { request_id: head.requestId }
  })
}
