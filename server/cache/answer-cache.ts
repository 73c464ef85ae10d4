import { z } from 'zod'
import type { Database } from '../../db/client'
import type { Keyring } from '../crypto/keyring'
import { LoomError } from '../errors'
import type { Log } from '../operations/log'
import type { Metrics } from '../operations/metrics'
import { openPacked, sealPacked } from './seal-answer'
import type { AnswerStore } from './answer-store'

/** After a failure calls do not ask for so long: a store that hangs must not cost each of them its time. */
const REST_MS = 1_000

const count = z.number()
const extra = count.optional()

/** What is known of a cached answer besides its bytes. */
const CachedHead = z.object({
  storedAtMs: z.number(),
  /** The call that it was first given to; absent of those kept by earlier versions. */
  callId: z.string().optional(),
  /** Whose answer it was: it is priced as that target's. */
  connectionId: z.string(),
  upstreamModel: z.string(),
  /** The provider's, as far as the answer's format hangs on them. */
  headers: z.record(z.string(), z.string()),
  /** What the provider counted, or we in its place. */
  usage: z.object({
    inputTokens: count,
    outputTokens: count,
    cachedInputTokens: count,
    cacheWriteTokens: count,
    longCacheWriteTokens: extra,
    reasoningTokens: count,
    audioInputTokens: extra,
    audioOutputTokens: extra,
    cachedAudioInputTokens: extra,
    textInputTokens: extra,
    textOutputTokens: extra,
    toldCostNanoUsd: extra,
    units: z.object({ audioMs: extra, characters: extra, searches: extra, pictures: z.object({ count, quality: z.string().optional(), size: z.string().optional() }).optional() }).optional()
  })
})
export type CachedHead = z.infer<typeof CachedHead>

export interface CachedAnswer { head: CachedHead, body: Buffer }

/** Of an org's answers, which a purge ends; undefined where the cache cannot be reached: then nothing is kept. */
export type Generation = bigint | undefined

/** What is known of a question. */
interface Found { answer: CachedAnswer | undefined, generation: Generation }

interface Owner { orgId: string, encryptionSalt: Buffer, encryptionKeyVersion: number }

interface Parts { db: Pick<Database, 'query'>, store: AnswerStore, keyring: Keyring, metrics: Metrics, log: Log }

/** Complete answers of providers, an org's for that org alone, sealed with its key wherever they are kept. A cache that fails is a cache that knows nothing. */
export class AnswerCache {
  private restUntilMs = 0

  constructor(private readonly parts: Parts) {}

  /** The answer to a question (`hashQuestion`), no older than `maxAgeSeconds`, while its data key is there; and the `generation` to keep another under. */
  async find(owner: Owner, question: string, maxAgeSeconds: number): Promise<Found> {
    const { answer, generation } = await this.read(owner, question)
    const isGiven = answer !== undefined && Date.now() - answer.head.storedAtMs <= maxAgeSeconds * 1000 && await this.isReadable(owner)
    return { answer: isGiven ? answer : undefined, generation }
  }

  /** What an answer that is asked for now is to be kept under. */
  async generation({ orgId }: Owner): Promise<Generation> {
    return this.ask(store => store.generation(orgId))
  }

  /**
   * Keeps an answer; resolves when it is, or when it could not be.
   * @param asked the generation when it was asked for: an answer under way while others are purged is none to keep
   */
  async keep(owner: Owner, question: string, { head, body }: CachedAnswer, ttlSeconds: number, asked: Generation | Promise<Generation>): Promise<void> {
    const generation = await asked
    if (generation === undefined) return
    try {
      await this.parts.store.set(owner.orgId, this.nameOf(owner, question), sealPacked(this.key(owner), this.context(owner, question), head, body), ttlSeconds, generation)
    } catch (cause) {
      this.report(cause, 'An answer could not be cached')
    }
  }

  /**
   * Forgets all of an org's answers.
   * @throws {LoomError} `service_unavailable` when the cache cannot be reached: then nothing is certain
   */
  async purge(orgId: string): Promise<void> {
    await this.parts.store.purge(orgId).catch((cause: unknown) => {
      throw new LoomError('service_unavailable', 'The cache cannot be reached right now. Try again shortly.', { cause, retryAfterSeconds: 2 })
    })
  }

  /** Counts and logs what went wrong with the cache: the call goes on without it. */
  report(cause: unknown, message: string): void {
    this.parts.metrics.failures.inc({ what: 'cache' })
    this.parts.log.warn({ err: cause }, message)
  }

  private async read(owner: Owner, question: string): Promise<Found> {
    const stored = await this.ask(store => store.get(owner.orgId, this.nameOf(owner, question)))
    if (!stored?.value) return { answer: undefined, generation: stored?.generation }
    try {
      const { head, body } = openPacked(this.key(owner), this.context(owner, question), stored.value)
      return { answer: { head: CachedHead.parse(head), body }, generation: stored.generation }
    } catch (cause) {
      this.report(cause, 'A cached answer could not be read')
      return { answer: undefined, generation: stored.generation }
    }
  }

  /** Whether the data key its caller knows is still the org's: news of its deletion may be on their way to us, or be lost. */
  private async isReadable({ orgId, encryptionKeyVersion }: Owner): Promise<boolean> {
    try {
      const rows = await this.parts.db.query('select from orgs where id = $1 and encryption_key_version = $2', [orgId, encryptionKeyVersion])
      return rows.length > 0
    } catch (cause) {
      this.report(cause, 'Whether a cached answer may still be read could not be looked up')
      return false
    }
  }

  /** Undefined where the store does not answer, or did not a moment ago. */
  private async ask<Answer>(question: (store: AnswerStore) => Promise<Answer>): Promise<Answer | undefined> {
    if (Date.now() < this.restUntilMs) return undefined
    try {
      return await question(this.parts.store)
    } catch (cause) {
      this.restUntilMs = Date.now() + REST_MS
      this.report(cause, 'The cache could not be read')
      return undefined
    }
  }

  /** A new data key makes the answers under the old one unreadable, so it names others. */
  private nameOf({ encryptionKeyVersion }: Owner, question: string): string {
    return `${encryptionKeyVersion}:${question}`
  }

  private key({ orgId, encryptionSalt }: Owner) {
    return this.parts.keyring.forOrg(orgId, encryptionSalt)
  }

  private context({ orgId }: Owner, question: string): string {
    return `cache:${orgId}:${question}`
  }
}
