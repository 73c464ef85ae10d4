import { createHash } from 'node:crypto'

/** Half of the SHA-256 of a text, as a uuid: the smallest that both databases take lists of. */
export function hashedUuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}
