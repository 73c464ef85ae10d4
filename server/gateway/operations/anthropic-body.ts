import { toolUseId } from '../providers/tool-use-id'
import { fieldOf } from './field-of'
import type { CountBody } from './messages-body'
import { withoutExtra } from './over-chat'

const SIGNATURE = Buffer.from('"signature"')
const TOOL_USE = Buffer.from('"tool_use"')

/**
 * A Messages body as Anthropic takes it: without what other models of the conversation have left in its earlier turns, the signatures of
 * Gemini's thoughts, thinking that nobody has signed, and ids of calls that Anthropic refuses. A body that has none comes back as it is.
 */
export function toAnthropicBody<Body extends CountBody>(raw: Buffer, body: Body): Body {
  const signed = raw.includes(SIGNATURE) ? withoutUnsigned(body) : body
  return withoutExtra(raw, raw.includes(TOOL_USE) ? withToolUseIds(signed) : signed, 'messages')
}

/** A turn of nothing but such thinking goes as a whole: Anthropic takes none without content, and joins those around it. */
function withoutUnsigned<Body extends CountBody>(body: Body): Body {
  if (!body.messages.some(({ role, content }) => unsignedIn(role, content))) return body
  const messages = body.messages.flatMap((message) => {
    const { role, content } = message
    if (!unsignedIn(role, content)) return [message]
    const signed = content.filter(block => !isUnsigned(block))
    return signed.length > 0 ? [{ ...message, content: signed }] : []
  })
  return { ...body, messages }
}

function unsignedIn(role: string, content: unknown): content is unknown[] {
  return role === 'assistant' && Array.isArray(content) && content.some(isUnsigned)
}

function isUnsigned(block: unknown): boolean {
  return fieldOf(block, 'type') === 'thinking' && fieldOf(block, 'signature') === ''
}

function withToolUseIds<Body extends CountBody>(body: Body): Body {
  const messages = body.messages.map((message) => {
    const { content } = message
    return Array.isArray(content) && content.some(hasForeignId) ? { ...message, content: content.map(withToolUseId) } : message
  })
  return { ...body, messages }
}

function hasForeignId(block: unknown): boolean {
  return withToolUseId(block) !== block
}

function withToolUseId(block: unknown): unknown {
  if (typeof block !== 'object' || block === null || !('type' in block)) return block
  if (block.type === 'tool_use' && 'id' in block) return withId(block, 'id', block.id)
  return block.type === 'tool_result' && 'tool_use_id' in block ? withId(block, 'tool_use_id', block.tool_use_id) : block
}

function withId(block: object, field: string, id: unknown): object {
  const taken = typeof id === 'string' ? toolUseId(id) : id
  return taken === id ? block : { ...block, [field]: taken }
}
