import { createHash } from 'node:crypto'
import { canonicalJson } from '../audit/hash-entry'

/**
 * What a thing's editable fields are now, as 22 characters: the same for the same fields, whoever asks and however often they were saved. Content
 * rather than a time, so that two saves within a clock's tick, or one that changed nothing, are told rightly.
 */
export function versionOf(fields: Record<string, unknown>): string {
  return createHash('sha256').update(canonicalJson(fields)).digest('base64url').slice(0, 22)
}
