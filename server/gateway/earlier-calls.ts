import type { Database } from '../../db/client'
import { isDatabaseGone } from '../../db/is-database-gone'
import type { Keyring } from '../crypto/keyring'
import { databaseUnavailable, LoomError } from '../errors'
import { findBodies } from '../traces/find-bodies'
import type { TraceScope } from '../traces/list-traces'
import { parseJson } from '../../shared/parse-json'
import type { GivenAt } from './given-ids'
import { findGivenIds } from './given-ids'

/** Answers that one request may go on from: far more than any conversation has turns. */
const MAX_CALLS = 500

/** What a call asked and what it was answered, as JSON; undefined for what is none. */
interface EarlierCall { request: unknown, response: unknown }

/** On what they are looked for. */
interface EarlierCallsTerms {
  /** Of all of them together. */
  maxBytes: number
  /** Rejects with what speaks against the call itself: asked once, before any is looked for. */
  admit: () => Promise<void>
  /** Whether the org keeps bodies: what this call is answered, too, can be gone on from. */
  areKept: boolean
  /** Of a call that nobody waits for any longer. */
  signal?: AbortSignal | undefined
}

/** What earlier calls of a caller's org, or of its key's project, asked and answered, as their traces keep it: for one call that goes on from them. */
export class EarlierCalls {
  private bytesLeft: number
  private admitted: Promise<void> | undefined

  constructor(private readonly db: Pick<Database, 'orm' | 'query'>, private readonly keyring: Keyring, private readonly scope: TraceScope, private readonly terms: EarlierCallsTerms) {
    this.bytesLeft = terms.maxBytes
  }

  /**
   * @returns by their ids, without those that are not kept
   * @throws {LoomError} `invalid_request` for too many, `body_too_large`, `service_unavailable` when the database does not answer; whatever `admit` throws; the reason of the signal
   */
  async find(ids: readonly string[], { withRequests = false } = {}): Promise<ReadonlyMap<string, EarlierCall>> {
    if (ids.length > MAX_CALLS) throw new LoomError('invalid_request', `The request goes on from more than ${MAX_CALLS} answers. Send the items themselves.`, { param: 'input' })
    const bodies = await this.look(() => findBodies(this.db.orm, this.keyring, this.scope, ids, { withRequests, maxBytes: this.bytesLeft }))
    for (const { request, response } of bodies.values()) this.bytesLeft -= (request?.length ?? 0) + response.length
    return new Map([...bodies].map(([id, { request, response }]) => [id, { request: request && parseJson(request.toString('utf8')), response: parseJson(response.toString('utf8')) }]))
  }

  /**
   * Which of `ids` earlier answers gave the caller's org, by the connections that they came over.
   * @throws {LoomError} `service_unavailable` when the database does not answer; whatever `admit` throws; the reason of the signal
   */
  async given(connectionIds: readonly string[], ids: readonly string[]): Promise<GivenAt> {
    return this.look(() => findGivenIds(this.db, this.scope.orgId, connectionIds, ids))
  }

  /** Whether what this call is answered will be found here. */
  get areKept(): boolean {
    return this.terms.areKept
  }

  private async look<Found>(find: () => Promise<Found>): Promise<Found> {
    await (this.admitted ??= this.terms.admit())
    this.terms.signal?.throwIfAborted()
    return find().catch((cause: unknown) => {
      throw isDatabaseGone(cause) ? databaseUnavailable(cause) : cause
    })
  }
}
