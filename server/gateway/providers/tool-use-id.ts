import { createHash } from 'node:crypto'

/**
 * The id of a tool's call as Anthropic takes it: letters, digits, `_` and `-`. Other models write other ids
 * (`functions.get_weather:0`); such a one becomes the same here in the call and in its result, and no other does.
 */
export function toolUseId(id: string): string {
  if (/^[\w-]+$/.test(id)) return id
  return `${id.replaceAll(/[^\w-]/g, '_')}_${createHash('sha256').update(id).digest('hex').slice(0, 8)}`
}
