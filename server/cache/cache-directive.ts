import { LoomError } from '../errors'

/** What a call says about cached answers. */
export interface CacheDirective {
  /** The oldest answer it takes, and how long its own may be given to others, in seconds. */
  ttlSeconds: number
  /** False: it wants a new answer, to be given to others. */
  reads: boolean
}

const DEFAULT_TTL_SECONDS = 3_600
export const MAX_TTL_SECONDS = 30 * 24 * 3_600

/**
 * The `x-loom-cache` header: `on`, `off`, `refresh` and `ttl=<seconds>`, separated by commas; where it says nothing, the setting of the
 * API key counts (null: off). Undefined: the call has nothing to do with the cache.
 * @throws {LoomError} `invalid_request` for anything else
 */
export function readCacheDirective(header: string | undefined, keyTtlSeconds: number | null): CacheDirective | undefined {
  if (header === undefined) return keyTtlSeconds === null ? undefined : { ttlSeconds: keyTtlSeconds, reads: true }
  const words = header.toLowerCase().split(',').map(word => word.trim())
  if (words.length === 1 && words[0] === 'off') return undefined
  let ttlSeconds = keyTtlSeconds ?? DEFAULT_TTL_SECONDS
  for (const word of words) {
    const ttl = /^ttl=(\d{1,9})$/.exec(word)?.[1]
    if (ttl !== undefined) ttlSeconds = Number(ttl)
    else if (word !== 'on' && word !== 'refresh') throw invalid()
  }
  if (ttlSeconds < 1 || ttlSeconds > MAX_TTL_SECONDS) throw invalid()
  return { ttlSeconds, reads: !words.includes('refresh') }
}

function invalid(): LoomError {
  return new LoomError('invalid_request', `x-loom-cache takes "on", "off", "refresh" and "ttl=<1 to ${MAX_TTL_SECONDS} seconds>", separated by commas.`, { param: 'x-loom-cache' })
}
