import { Readable } from 'node:stream'
import { LRUCache } from 'lru-cache'
import { Pool, errors } from 'undici'
import type { Config } from '../config'
import { LoomError } from '../errors'
import { lookupPublic } from './lookup-public'
import type { Transport, UpstreamResponse } from './providers/provider'

type Timeouts = Pick<Config, 'UPSTREAM_CONNECT_TIMEOUT_MS' | 'UPSTREAM_FIRST_BYTE_TIMEOUT_MS' | 'UPSTREAM_IDLE_TIMEOUT_MS'>

const MAX_CONNECTIONS_PER_ORIGIN = 1_024
/** More than a platform calls by turns; whoever edits connections may name any number. */
const MAX_POOLS = 1_000

/**
 * The upstream connections of the process: one keep-alive pool an origin, and another for those who may only reach it in public. The one that was
 * not asked for longest makes room for a new one, and closes when its last answer has ended. Redirects are never followed: they would carry the credential along.
 */
export class UpstreamPools {
  private readonly pools: LRUCache<string, Pool>
  /** Those that made room, until they are closed. */
  private readonly closing = new Set<Pool>()

  constructor(private readonly timeouts: Timeouts, maxPools = MAX_POOLS) {
    this.pools = new LRUCache({ max: maxPools, dispose: pool => this.closeIdle(pool) })
  }

  readonly send: Transport = async (request, signal) => {
    try {
      const response = await this.pool(request.url.origin, request.publicOnly === true).request({
        method: 'POST',
        path: request.url.pathname + request.url.search,
        headers: request.headers,
        body: typeof request.body === 'string' ? request.body : Readable.from(request.body),
        signal
      })
      return { status: response.statusCode, headers: flatten(response.headers), body: response.body }
    } catch (cause) {
      throw toUpstreamError(cause, signal)
    }
  }

  /** Connections open and busy now, for the metrics. */
  stats(): { connected: number, running: number, pending: number } {
    const total = { connected: 0, running: 0, pending: 0 }
    for (const { stats } of this.all()) {
      total.connected += stats.connected
      total.running += stats.running
      total.pending += stats.pending
    }
    return total
  }

  async close(): Promise<void> {
    await Promise.all(this.all().map(pool => pool.destroy()))
  }

  private all(): Pool[] {
    return [...this.pools.values(), ...this.closing]
  }

  private closeIdle(pool: Pool): void {
    this.closing.add(pool)
    void pool.close().finally(() => this.closing.delete(pool))
  }

  private pool(origin: string, publicOnly: boolean): Pool {
    const name = `${publicOnly ? 'public' : 'any'} ${origin}`
    const existing = this.pools.get(name)
    if (existing) return existing
    const pool = new Pool(origin, {
      connections: MAX_CONNECTIONS_PER_ORIGIN,
      pipelining: 1,
      connect: { timeout: this.timeouts.UPSTREAM_CONNECT_TIMEOUT_MS, ...(publicOnly && { lookup: lookupPublic }) },
      headersTimeout: this.timeouts.UPSTREAM_FIRST_BYTE_TIMEOUT_MS,
      // Counted up to the first byte of the body, too, which some send long after the headers.
      bodyTimeout: Math.max(this.timeouts.UPSTREAM_FIRST_BYTE_TIMEOUT_MS, this.timeouts.UPSTREAM_IDLE_TIMEOUT_MS),
      keepAliveTimeout: 30_000
    })
    this.pools.set(name, pool)
    return pool
  }
}

/** No connection came about, so nothing a caller sent can be the reason. */
export class UnreachableError extends LoomError {
  override name = 'UnreachableError'
}

/** Nobody waits any longer for an answer, or takes all of it, on which its provider may be at work, and which it then bills: another attempt would be billed, too. */
export class UnansweredError extends LoomError {
  override name = 'UnansweredError'

  /** @param mayStream whether such a call could have asked for a stream, and did not */
  constructor(cause: LoomError, mayStream = false) {
    super(cause.code, `${cause.message} It may bill its work on the answer all the same, so it was not asked again.${mayStream ? ' Ask for a stream ("stream": true): it begins before the answer is whole.' : ''}`, { cause })
  }
}

/** Names that do not resolve, ports that are closed, certificates that do not fit. */
const UNREACHABLE = /^(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/

/** An upstream's failure in our words, without its address: the connection may be the platform's. The cause stays for the log. */
export function toUpstreamError(cause: unknown, signal: AbortSignal): LoomError {
  if (cause instanceof LoomError) return cause
  if (signal.aborted && signal.reason instanceof LoomError) return signal.reason
  if (cause instanceof errors.HeadersTimeoutError || cause instanceof errors.BodyTimeoutError) {
    return new LoomError('upstream_timeout', 'The provider did not answer in time.', { cause })
  }
  if (cause instanceof errors.ConnectTimeoutError) return new UnreachableError('upstream_timeout', 'The provider could not be reached in time.', { cause })
  const isUnreachable = cause instanceof Error && 'code' in cause && UNREACHABLE.test(String(cause.code))
  return new (isUnreachable ? UnreachableError : LoomError)('upstream_error', 'The connection to the provider failed.', { cause })
}

function flatten(headers: Record<string, string | string[] | undefined>): UpstreamResponse['headers'] {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value
  return flat
}
