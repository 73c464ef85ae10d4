import { createHash } from 'node:crypto'

/** The longest name of a user that OpenAI takes. Source: its refusal, as bifrost's gateway met it (maximhq/bifrost#1000). */
const MAX_LENGTH = 64

/** A user's name as OpenAI's format takes it: one that is too long becomes the same here each time, and no other does. */
export function shortUserId(id: string): string {
  return id.length <= MAX_LENGTH ? id : hashOf(id)
}

/** As Anthropic's format takes it at others than Anthropic. Source: DeepSeek's refusal, "string does not match pattern" (claude-code#56643). */
export function plainUserId(id: string): string {
  return /^[\w-]+$/.test(id) ? shortUserId(id) : hashOf(id)
}

function hashOf(id: string): string {
  return createHash('sha256').update(id).digest('hex')
}
