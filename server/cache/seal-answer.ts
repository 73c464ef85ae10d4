import type { KeyObject } from 'node:crypto'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { open, seal } from '../crypto/envelope'
import { MAX_CACHED_BYTES } from './answer-store'

const IV_BYTES = 12
const LENGTH_BYTES = 4
const MAX_HEAD_BYTES = 64 * 1024

/** A head (JSON) and bytes as one sealed value, bound to `context`: it opens nowhere else. */
export function sealPacked(key: KeyObject, context: string, head: object, body: Buffer): Buffer {
  const json = Buffer.from(JSON.stringify(head))
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(json.length)
  const { data, iv } = seal(key, context, zstdCompressSync(Buffer.concat([length, json, body])))
  return Buffer.concat([iv, data])
}

/** @throws {Error} when the key, the context or a bit is another */
export function openPacked(key: KeyObject, context: string, sealed: Buffer): { head: unknown, body: Buffer } {
  const packed = open(key, context, { iv: sealed.subarray(0, IV_BYTES), data: sealed.subarray(IV_BYTES) })
  const plain = zstdDecompressSync(packed, { maxOutputLength: LENGTH_BYTES + MAX_HEAD_BYTES + MAX_CACHED_BYTES })
  const bodyAt = LENGTH_BYTES + plain.readUInt32BE(0)
  return { head: JSON.parse(plain.subarray(LENGTH_BYTES, bodyAt).toString('utf8')), body: plain.subarray(bodyAt) }
}
