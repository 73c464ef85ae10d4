import type { KeyObject } from 'node:crypto'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { open, seal } from '../crypto/envelope'
import type { Sealed } from '../crypto/envelope'

/** Below this, setting up the compressor costs more than the bytes it saves. */
const MIN_COMPRESSED_BYTES = 2_048
/** No larger body is opened again: whatever is sealed has to be smaller. */
export const MAX_SEALED_BYTES = 128 * 1024 * 1024

const PLAIN = Buffer.from([0])
const ZSTD = Buffer.from([1])

/** `replay`: the answer as it is kept for a repeated `Idempotency-Key`, byte by byte. */
export type BodySide = 'request' | 'response' | 'replay'

/**
 * A body as a trace keeps it: compressed, then encrypted with the org's key and bound to this trace and side. The
 * first byte of the plaintext tells how it was compressed.
 */
export function sealBody(orgKey: KeyObject, orgId: string, traceId: string, side: BodySide, body: Buffer): Sealed {
  const packed = body.length < MIN_COMPRESSED_BYTES ? Buffer.concat([PLAIN, body]) : Buffer.concat([ZSTD, zstdCompressSync(body)])
  return seal(orgKey, context(orgId, traceId, side), packed)
}

/** @throws {Error} when the key, org, trace or side is another, or a bit has changed */
export function openBody(orgKey: KeyObject, orgId: string, traceId: string, side: BodySide, sealed: Sealed): Buffer {
  const packed = open(orgKey, context(orgId, traceId, side), sealed)
  const body = packed.subarray(1)
  return packed[0] === ZSTD[0] ? zstdDecompressSync(body, { maxOutputLength: MAX_SEALED_BYTES }) : body
}

function context(orgId: string, traceId: string, side: BodySide): string {
  return `trace:${orgId}:${traceId}:${side}`
}
