import { createHash } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'

/** The longest id of a tool's call that OpenAI takes. Source: its refusal, as Portkey's gateway met it (Portkey-AI/gateway#1062): "Expected a string with maximum length 40". */
const MAX_ID_LENGTH = 40

/** An id for a call of a tool that its model gave none: short enough for every provider that the conversation may go on at. */
export function newToolCallId(): string {
  return `call_${uuidv7().replaceAll('-', '')}`
}

/** The id of a tool's call as OpenAI takes it; one that is too long becomes the same here in the call and in its result, and no other does. */
export function shortCallId(id: string): string {
  return id.length <= MAX_ID_LENGTH ? id : `${id.slice(0, MAX_ID_LENGTH - 9)}_${hashOf(id)}`
}

/**
 * The id of a tool's call as Anthropic takes it: letters, digits, `_` and `-`. Other models write other ids
 * (`functions.get_weather:0`); such a one becomes the same here in the call and in its result, and no other does.
 */
export function toolUseId(id: string): string {
  if (/^[\w-]+$/.test(id)) return id
  return `${id.replaceAll(/[^\w-]/g, '_')}_${hashOf(id)}`
}

function hashOf(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 8)
}
