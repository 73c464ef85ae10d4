import { createHash } from 'node:crypto'
import type { Target } from '../../catalog/target'
import { fieldOf } from '../field-of'

type Message = Readonly<Record<string, unknown>>
type Chat = Readonly<Record<string, unknown>>

/** Ids of calls as Mistral's models take them. */
const ID = /^[a-z0-9]{9}$/i
/** What a model is taken to have said to results before its user speaks, which Mistral's take from nobody else. */
const BETWEEN = { role: 'assistant', content: 'OK.' } as const

/**
 * A chat that we write, as Mistral's models take it, whoever serves them: with an answer between the results of tools and the user's next words, and ids of
 * calls of nine letters and digits. Others get it as it is.
 * Sources: their refusals, "Unexpected role 'user' after role 'tool'" (litellm#17761) and "Tool call id was … but must be a-z, A-Z, 0-9, with a length of 9" (langchain#24668).
 */
export function inMistralsOrder(body: Chat, target: Target): Chat {
  const { messages } = body
  if (!isMistral(target) || !Array.isArray(messages)) return body
  const ordered = messages.flatMap((message: Message, index) => message.role === 'user' && fieldOf(messages[index - 1], 'role') === 'tool' ? [BETWEEN, message] : [message])
  return { ...body, messages: ordered.map(withShortIds) }
}

/** A chat as its caller wrote it, with ids of calls that Mistral's models take: those of other models, of Loom's own too, are refused. */
export function withMistralsIds<Body extends Chat & { messages: readonly Message[] }>(body: Body, target: Target): Body {
  return isMistral(target) ? { ...body, messages: body.messages.map(withShortIds) } : body
}

function isMistral({ connection: { kind }, servedModel }: Target): boolean {
  return kind !== 'google' && kind !== 'anthropic' && /mi[sx]tral|ministral|magistral|devstral|codestral|pixtral/i.test(servedModel)
}

function withShortIds(message: Message): Message {
  const { tool_call_id: answered, tool_calls: calls } = message
  return {
    ...message,
    ...(typeof answered === 'string' && { tool_call_id: shortId(answered) }),
    ...(Array.isArray(calls) && { tool_calls: calls.map(withShortId) })
  }
}

function withShortId(call: unknown): unknown {
  const id = fieldOf(call, 'id')
  return typeof id === 'string' ? { ...Object(call), id: shortId(id) } : call
}

/** The same in the call and in its result. */
function shortId(id: string): string {
  return ID.test(id) ? id : createHash('sha256').update(id).digest('hex').slice(0, 9)
}
