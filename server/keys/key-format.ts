import { hash, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { KEY_PREFIX, KEY_SHOWN_LENGTH } from '../../shared/keys'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** 40 base62 characters carry 238 bits. */
const RANDOM_LENGTH = 40
/** Six base62 characters hold any CRC32. */
const CHECKSUM_LENGTH = 6
const WELL_FORMED = new RegExp(`^${KEY_PREFIX}[0-9A-Za-z]{${RANDOM_LENGTH + CHECKSUM_LENGTH}}$`)

/** A new key: `loom_sk_`, 40 random base62 characters, the checksum of all before it. */
export function generateKey(): string {
  let body = KEY_PREFIX
  for (let index = 0; index < RANDOM_LENGTH; index++) body += ALPHABET[randomInt(ALPHABET.length)]
  return body + checksum(body)
}

/** Whether `text` could be a key at all: false means a typo or a cut-off paste, not an unknown or revoked key. */
export function isWellFormedKey(text: string): boolean {
  return WELL_FORMED.test(text) && checksum(text.slice(0, -CHECKSUM_LENGTH)) === text.slice(-CHECKSUM_LENGTH)
}

/** The hex SHA-256 a key is stored and looked up by. A key has 238 random bits, so a slow hash would protect nothing more. */
export function hashKey(text: string): string {
  return hash('sha256', text)
}

/** The first characters of a key, as lists show them. */
export function shownPrefix(key: string): string {
  return key.slice(0, KEY_SHOWN_LENGTH)
}

function checksum(body: string): string {
  let rest = crc32(body)
  let text = ''
  for (let index = 0; index < CHECKSUM_LENGTH; index++) {
    text = ALPHABET.charAt(rest % ALPHABET.length) + text
    rest = Math.floor(rest / ALPHABET.length)
  }
  return text
}
