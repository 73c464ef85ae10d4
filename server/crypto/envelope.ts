import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomFillSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

const ALGORITHM = 'aes-256-gcm'
const TAG_BYTES = 16
/** 96 bits (NIST SP 800-38D, 8.2.2). */
export const IV_BYTES = 12

/** The version written beside everything sealed now; a rotation adds a master key under the next number. */
export const CURRENT_KEY_VERSION = 1

export interface Sealed {
  /** Ciphertext followed by the 16-byte GCM tag. */
  data: Buffer
  /** `IV_BYTES`, fresh for each seal. */
  iv: Buffer
}

/**
 * The org's AES-256 key: HKDF-SHA256 of the master key with the org's own salt. Another org's id or salt gives
 * another key; a deleted salt makes everything sealed with it unreadable.
 */
export function deriveOrgKey(masterKey: Buffer, orgId: string, salt: Buffer): KeyObject {
  return createSecretKey(new Uint8Array(hkdfSync('sha256', masterKey, salt, `loom:org:${orgId}`, 32)))
}

/** The key of what belongs to no org (platform connections). */
export function derivePlatformKey(masterKey: Buffer): KeyObject {
  return createSecretKey(new Uint8Array(hkdfSync('sha256', masterKey, '', 'loom:platform', 32)))
}

/** What signs sessions where no secret of their own is set, as text: all replicas with one master key have it. */
export function deriveSessionSecret(masterKey: Buffer): string {
  return Buffer.from(hkdfSync('sha256', masterKey, '', 'loom:sessions', 32)).toString('hex')
}

/** What tells one master key from another and leads back to neither, as text. */
export function deriveMark(masterKey: Buffer): string {
  return Buffer.from(hkdfSync('sha256', masterKey, '', 'loom:mark', 32)).toString('hex')
}

/** Encrypts `plaintext`, bound to `context` (the owner and row it belongs to): it opens nowhere else. */
export function seal(key: KeyObject, context: string, plaintext: Buffer): Sealed {
  const iv = freshIv()
  const cipher = createCipheriv(ALGORITHM, key, iv)
  cipher.setAAD(Buffer.from(context))
  const data = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  return { data, iv }
}

/** @throws {Error} when key, context or a single bit differ from what was sealed */
export function open(key: KeyObject, context: string, sealed: Sealed): Buffer {
  const boundary = sealed.data.length - TAG_BYTES
  const decipher = createDecipheriv(ALGORITHM, key, sealed.iv, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(context))
  decipher.setAuthTag(sealed.data.subarray(boundary))
  return Buffer.concat([decipher.update(sealed.data.subarray(0, boundary)), decipher.final()])
}

const ivPool = Buffer.alloc(IV_BYTES * 256)
let ivOffset = ivPool.length

/** 96 random bits; drawn 256 at a time, because asking the system costs more than sealing a short body. */
function freshIv(): Buffer {
  if (ivOffset === ivPool.length) {
    randomFillSync(ivPool)
    ivOffset = 0
  }
  ivOffset += IV_BYTES
  return Buffer.from(ivPool.subarray(ivOffset - IV_BYTES, ivOffset))
}
