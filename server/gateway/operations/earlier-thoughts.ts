import type { Target } from '../../catalog/target'
import { oncePerConnection } from '../providers/once-per-connection'

type Message = Readonly<Record<string, unknown>>
type Body = Readonly<Record<string, unknown>>

/** Told in place of a thought that nobody kept: other models made the call, or their client was not shown it. As litellm does. */
const NO_THOUGHT = ' '

/**
 * Whether a model wants back what it thought, beside the calls of tools that it made then, and refuses a conversation without.
 * Source: api-docs.deepseek.com/guides/thinking_mode, read 2026-11; of Kimi, its refusal (mastra#12592).
 */
export function wantsThoughts(target: Target): boolean {
  return /deepseek|kimi/i.test(target.servedModel) && target.connection.kind === 'openai-compatible' && !refusesUnknown(target.connection)
}

/** A body of ours, with what its target wants back of its thoughts, or without any. */
export function withThoughts(body: Body, target: Target): Body {
  const { messages } = body
  if (!Array.isArray(messages)) return body
  if (wantsThoughts(target)) return { ...body, messages: messages.map(toThoughtful) }
  return messages.some((message: Message) => 'reasoning_content' in message) ? { ...body, messages: messages.map(toThoughtless) } : body
}

function toThoughtful(message: Message): Message {
  return message.role === 'assistant' && message.tool_calls ? { reasoning_content: NO_THOUGHT, ...message } : message
}

function toThoughtless({ reasoning_content: _thought, ...message }: Message): Message {
  return message
}

/**
 * Servers that refuse fields they do not know in a conversation, among them those that we write into answers of Claude and Gemini.
 * Source: their refusals: "property 'reasoning_content' is unsupported" (freellmapi#1070, of Groq; opencode#33413, of Cerebras).
 */
const refusesUnknown = oncePerConnection(({ baseUrl }) => baseUrl !== null && /(?:^|\.)(?:groq\.com|cerebras\.ai)$/.test(new URL(baseUrl).hostname))

/** A chat as its caller wrote it, without what its target would refuse of our own answers in it. A body that has none comes back as it is. */
export function withoutOurFields<Chat extends Body & { messages: readonly Message[] }>(body: Chat, { connection }: Target): Chat {
  return refusesUnknown(connection) && body.messages.some(hasOurs) ? { ...body, messages: body.messages.map(withoutOurs) } : body
}

function hasOurs(message: Message): boolean {
  return 'reasoning_content' in message || 'images' in message || Boolean(message.tool_calls)
}

function withoutOurs(message: Message): Message {
  const { reasoning_content: _thought, images: _pictures, ...rest } = message
  return Array.isArray(rest.tool_calls) ? { ...rest, tool_calls: rest.tool_calls.map(withoutExtra) } : rest
}

function withoutExtra(call: unknown): unknown {
  if (typeof call !== 'object' || call === null || !('extra_content' in call)) return call
  const { extra_content: _extra, ...rest } = call
  return rest
}
