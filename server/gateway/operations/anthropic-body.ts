import type { CountBody } from './messages-body'
import { withoutExtra } from './over-chat'

const SIGNATURE = Buffer.from('"signature"')

/**
 * A Messages body as Anthropic takes it: without what other models of the conversation have left in its earlier turns, the signatures of
 * Gemini's thoughts and thinking that nobody has signed, which Anthropic refuses. A body that has none comes back as it is.
 */
export function toAnthropicBody<Body extends CountBody>(raw: Buffer, body: Body): Body {
  return withoutExtra(raw, raw.includes(SIGNATURE) ? withoutUnsigned(body) : body, 'messages')
}

/** A turn of nothing but such thinking goes as a whole: Anthropic takes none without content, and joins those around it. */
function withoutUnsigned<Body extends CountBody>(body: Body): Body {
  const messages = body.messages.flatMap((message) => {
    const { role, content } = message
    if (role !== 'assistant' || !Array.isArray(content)) return [message]
    const signed = content.filter(block => !isUnsigned(block))
    return signed.length > 0 || content.length === 0 ? [{ ...message, content: signed }] : []
  })
  return { ...body, messages }
}

function isUnsigned(block: unknown): boolean {
  return typeof block === 'object' && block !== null && 'type' in block && block.type === 'thinking' && 'signature' in block && block.signature === ''
}
