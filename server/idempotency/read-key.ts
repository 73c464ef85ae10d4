import { createHash } from 'node:crypto'
import { LoomError } from '../errors'

/** Visible characters of ASCII, as every HTTP library can send them. */
const KEY = /^[\x21-\x7e]{1,255}$/

/**
 * The value of an `Idempotency-Key` header; undefined without one.
 * @throws {LoomError} `invalid_request` when it has no 1 to 255 visible ASCII characters
 */
export function readIdempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined
  if (typeof header === 'string' && KEY.test(header)) return header
  throw new LoomError('invalid_request', 'Idempotency-Key must have 1 to 255 visible ASCII characters, a UUID for example.', { param: 'Idempotency-Key' })
}

/** What makes a request the same as another. */
export interface RequestIdentity {
  /** Path, without the query. */
  path: string
  /** Headers that change what is done or charged, in a fixed order. */
  headers: readonly (string | undefined)[]
  /** As it came; of a form, a digest of what is in it. */
  body: Buffer
}

/**
 * SHA-256 (hex) of a request. Bodies count byte by byte: one that differs in nothing but whitespace is another, for a retry sends what
 * was sent before. Only the boundary of a form does not count, which clients make anew for each attempt.
 */
export function hashRequest({ path, headers, body }: RequestIdentity): string {
  const hash = createHash('sha256').update(JSON.stringify([path, ...headers.map(value => value ?? null)]))
  return hash.update(body).digest('hex')
}
