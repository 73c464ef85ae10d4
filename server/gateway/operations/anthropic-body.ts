import type { Target } from '../../catalog/target'
import { toolUseId } from '../providers/tool-use-id'
import { plainUserId } from '../providers/user-id'
import { withoutBillingBlock } from './billing-line'
import { fieldOf } from '../field-of'
import type { CountBody } from './messages-body'
import { withoutExtra } from './over-chat'

const TOOL_USE = Buffer.from('"tool_use"')

/**
 * A Messages body as Anthropic takes it: without what other models of the conversation have left in its earlier turns, the signatures of
 * Gemini's thoughts, thinking that nobody has signed, text of nothing but spaces and line breaks, and ids of calls that Anthropic refuses. A body that has none comes back as it is.
 * Other models behind this format keep their thinking: they sign none, and want it back; they get no line for Anthropic's bills, and the name of a user as they take it. Source: api-docs.deepseek.com/guides/thinking_mode, read 2026-11.
 */
export function toAnthropicBody<Body extends CountBody>(raw: Buffer, body: Body, target: Pick<Target, 'connection' | 'servedModel'>): Body {
  const isClaude = checksSignatures(target)
  const taken = withoutRefused(isClaude ? body : withPlainUser(withoutBilling(body)), isClaude)
  return withoutExtra(raw, raw.includes(TOOL_USE) ? withToolUseIds(taken) : taken, 'messages')
}

function withoutBilling<Body extends CountBody>(body: Body): Body {
  const system = withoutBillingBlock(body.system)
  return system === body.system ? body : { ...body, system }
}

function withPlainUser<Body extends CountBody>(body: Body): Body {
  const metadata = fieldOf(body, 'metadata')
  const id = fieldOf(metadata, 'user_id')
  return typeof metadata === 'object' && typeof id === 'string' ? { ...body, metadata: { ...metadata, user_id: plainUserId(id) } } : body
}

/** A turn of nothing but what Anthropic refuses goes as a whole: it takes none without content, and joins those around it. */
function withoutRefused<Body extends CountBody>(body: Body, signedOnly: boolean): Body {
  const kept = body.messages.map(({ role, content }) => role === 'assistant' && Array.isArray(content) ? keptBlocks(content, signedOnly) : content)
  if (kept.every((content, index) => content === body.messages[index]?.content)) return body
  const messages = body.messages.flatMap((message, index) => {
    const content = kept[index]
    if (content === message.content) return [message]
    return Array.isArray(content) && content.length > 0 ? [{ ...message, content }] : []
  })
  return { ...body, messages }
}

/** What Claude has signed has to come back with all around it as it was. */
function keptBlocks(content: unknown[], signedOnly: boolean): unknown[] {
  const signed = signedOnly ? content.filter(block => !isUnsigned(block)) : content
  const kept = signed.some(isThought) ? signed : signed.filter(block => !isBlank(block))
  return kept.length < content.length ? kept : content
}

function checksSignatures({ connection: { baseUrl }, servedModel }: Pick<Target, 'connection' | 'servedModel'>): boolean {
  return baseUrl === null || new URL(baseUrl).hostname.endsWith('anthropic.com') || servedModel.includes('claude')
}

/** Some servers leave the field out. */
function isUnsigned(block: unknown): boolean {
  if (fieldOf(block, 'type') !== 'thinking') return false
  const signature = fieldOf(block, 'signature')
  return typeof signature !== 'string' || signature === ''
}

function isThought(block: unknown): boolean {
  return fieldOf(block, 'type') === 'thinking' || fieldOf(block, 'type') === 'redacted_thinking'
}

function isBlank(block: unknown): boolean {
  const text = fieldOf(block, 'type') === 'text' ? fieldOf(block, 'text') : undefined
  return typeof text === 'string' && text.trim() === ''
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
