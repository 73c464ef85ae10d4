import { modelMode } from '../../catalog/model-mode'
import type { Target } from '../../catalog/target'
import { LoomError } from '../../errors'
import type { Transport, UpstreamResponse } from '../providers/provider'
import { fieldOf } from '../field-of'
import { readAnswerText } from '../providers/read-text'
import { jsonResponse, streamedResponse } from '../providers/translated-response'
import { parseAnswer } from '../told-failure'
import type { ChatEvents } from './chat-events'
import { goesByResponses, sendByResponses } from './chat-by-responses'
import { withThoughts } from './earlier-thoughts'
import { inMistralsOrder } from './mistral-chat'
import { isOpenAi, reasoning, reasoningElsewhere, reasoningWithoutTools, rested } from './openai-models'

/** A request of another format, put to a target that speaks chat completions only. */
export interface OverChat {
  /** The chat-completions body that asks the same; the model and the stream's options are filled in. */
  body: Readonly<Record<string, unknown>>
  /** A whole `chat.completion` in the caller's format. */
  toAnswer: (completion: unknown) => object
  /** A stream of chunks in the caller's format. */
  toEvents: () => ChatEvents
}

/**
 * An attempt over chat completions: the answer comes in the caller's format, as if the target spoke it.
 * @throws {LoomError} `upstream_error` when the answer is no chat completion; as `sendChat`
 */
export async function sendOverChat(target: Target, stream: boolean, { body, toAnswer, toEvents }: OverChat, transport: Transport, signal: AbortSignal): Promise<UpstreamResponse> {
  const response = await sendChat(target, { ...asTaken(body, target), stream }, stream, transport, signal)
  if (response.status >= 400) return response
  if (stream) {
    const events = toEvents()
    return { ...streamedResponse(response, events), delivered: () => events.delivered }
  }
  return jsonResponse(response, translate(await readAnswerText(response.body), toAnswer))
}

/**
 * An attempt at a chat, whichever of its provider's endpoints takes it.
 * @throws {LoomError} `invalid_request` for a model that no chat can be put to; whatever the provider throws
 */
export async function sendChat(target: Target, body: OverChat['body'], stream: boolean, transport: Transport, signal: AbortSignal): Promise<UpstreamResponse> {
  if (goesByResponses(target, body)) return sendByResponses(target, body, stream, transport, signal)
  requireChat(target)
  const { provider, connection, upstreamModel } = target
  return provider.chatCompletions(connection, { body, upstreamModel, stream }, transport, signal)
}

function requireChat({ connection: { kind }, servedModel }: Target): void {
  if (modelMode(servedModel, kind) !== 'responses') return
  const where = kind === 'azure' ? ', over a connection with an API version from 2025-03-01-preview on' : ''
  throw new LoomError('invalid_request', `"${servedModel}" is served by the Responses API alone: call it by POST /v1/responses${where}.`, { param: 'model' })
}

/**
 * The name of the field that bounds a chat answer: OpenAI's reasoning models refuse the old one, most other servers know
 * no other.
 */
export function maxTokensField(target: Target): 'max_completion_tokens' | 'max_tokens' {
  return isOpenAi(target) ? 'max_completion_tokens' : 'max_tokens'
}

/** A limit that a caller of another format asks for, within what the model can write: providers refuse any beyond it. */
export function atMost(maxTokens: number, { maxOutputTokens = maxTokens }: Target): number {
  return Math.min(maxTokens, maxOutputTokens)
}

/**
 * A chat as its caller wrote it, its limit as its target takes it. A limit under the one name alone that OpenAI's reasoning models refuse, or that most other servers refuse
 * or pass over (pi#8018, hindsight#852), goes under the other. Where a chat is translated, its limit is no more than the model can write.
 */
export function withLimit(body: OverChat['body'], target: Target): OverChat['body'] {
  const { max_tokens: older, max_completion_tokens: newer } = body
  const asked = newer ?? older
  if (typeof asked !== 'number') return body
  if (!takesChatAsIs(target)) return asked > atMost(asked, target) ? { ...body, max_completion_tokens: atMost(asked, target) } : body
  if (isOpenAi(target)) return reasoning.test(target.servedModel) && typeof newer !== 'number' ? renamedLimit(body, 'max_completion_tokens', asked) : body
  // A server of this kind that has OpenAI's own models passes on what they know.
  return !reasoningElsewhere.test(target.servedModel) && typeof older !== 'number' ? renamedLimit(body, 'max_tokens', asked) : body
}

function renamedLimit({ max_tokens: _older, max_completion_tokens: _newer, ...rest }: OverChat['body'], name: 'max_completion_tokens' | 'max_tokens', limit: number): OverChat['body'] {
  return { ...rest, [name]: limit }
}

/** The field that carries what a provider wants back with a call of a tool, in every format; nothing where it wants nothing. */
export function extraContent(extra: unknown): { extra_content?: unknown } {
  return extra === undefined || extra === null ? {} : { extra_content: extra }
}

const EXTRA = Buffer.from('"extra_content"')

/** A body for a provider that speaks its format itself and knows no such field: without any in the items of a list or of what they contain. A body that has none comes back as it is. */
export function withoutExtra<Body extends object, Field extends keyof Body>(raw: Buffer, body: Body, field: Field): Body {
  return raw.includes(EXTRA) ? { ...body, [field]: strip(body[field], 2) } : body
}

function strip(list: unknown, depth: number): unknown {
  if (!Array.isArray(list)) return list
  return list.map((item: unknown) => {
    if (typeof item !== 'object' || item === null) return item
    const { extra_content: _extra, ...rest } = { extra_content: undefined, ...item }
    return depth > 1 && 'content' in rest ? { ...rest, content: strip(rest.content, depth - 1) } : rest
  })
}

/** Whether a target knows the signatures of Gemini's thoughts; others may refuse a field they do not know. */
export function takesSignatures({ connection: { kind }, upstreamModel }: Target): boolean {
  return kind === 'google' || upstreamModel.includes('gemini')
}

/** Whether a target gets a chat as its caller wrote it. To others it is translated, and what they do not know of it is left out. */
export function takesChatAsIs({ connection: { kind } }: Target): boolean {
  return kind === 'openai' || kind === 'azure' || kind === 'openai-compatible'
}

/** Whether a target takes `reasoning_effort`: models that do not reason refuse it at OpenAI and its likes. */
export function takesEffort(target: Target): boolean {
  return !takesChatAsIs(target) || reasoning.test(target.servedModel) || /(?:^|\/)gpt-oss/.test(target.servedModel)
}

/**
 * A body that we write, as its model takes it: with no effort beside tools, where it takes both nowhere, and without what only tunes how words are chosen, where it refuses those; with
 * what it wants back of its thoughts, in the order and with the ids that it takes; and with instructions in one message, at the beginning.
 */
export function asTaken(body: OverChat['body'], target: Target): OverChat['body'] {
  const ordered = target.connection.kind === 'openai-compatible' ? withOneSystem(body) : body
  const thoughtful = inMistralsOrder(withThoughts(ordered, target), target)
  if (!isOpenAi(target) || !reasoning.test(target.servedModel)) return thoughtful
  const hasTools = Array.isArray(body.tools) && body.tools.length > 0
  if (hasTools && reasoningWithoutTools.test(target.servedModel) && !goesByResponses(target, body)) return { ...thoughtful, reasoning_effort: 'none' }
  const effort = body.reasoning_effort ?? (rested.test(target.servedModel) ? 'none' : undefined)
  if (effort === 'none') return thoughtful
  const { temperature: _temperature, top_p: _topP, presence_penalty: _presence, frequency_penalty: _frequency, ...rest } = thoughtful
  return rest
}

/** The most texts to stop at that OpenAI takes. Source: its API reference, "Create chat completion". */
const MAX_STOPS = 4

/**
 * The templates of many open models refuse a second system message, and one in the middle. Source: their refusal, "System message must be at the beginning."
 * (litellm#39282, hermes-studio#2688). What comes later stays where it is, as the user's: at the beginning it would change what the provider's cache knows the conversation by.
 */
function withOneSystem(body: OverChat['body']): OverChat['body'] {
  const messages: unknown = body.messages
  if (!Array.isArray(messages)) return body
  const begins = messages.findIndex(message => !isSystem(message))
  const [leading, rest] = begins === -1 ? [messages, []] : [messages.slice(0, begins), messages.slice(begins)]
  if (leading.length < 2 && !rest.some(isSystem)) return body
  const system = leading.length === 0 ? [] : [{ role: 'system', content: leading.filter(isSystem).map(({ content }) => content).join('\n\n') }]
  return { ...body, messages: [...system, ...rest.map((message: unknown) => isSystem(message) ? { role: 'user', content: message.content } : message)] }
}

function isSystem(message: unknown): message is { content: string } {
  return fieldOf(message, 'role') === 'system' && typeof fieldOf(message, 'content') === 'string'
}

/**
 * @param param the field of the caller's that names them
 * @throws {LoomError} `invalid_request` where a model of OpenAI's is known to take no texts to stop at, or not so many. Source: the OpenAI API reference, "Create
 * chat completion" (o3, o4-mini); smolagents#1671 and #1893 (GPT-5 to 5.2)
 */
export function requireStops(target: Target, stops: readonly string[], param: string): void {
  if (stops.length === 0 || !isOpenAi(target)) return
  if (stops.length > MAX_STOPS) throw new LoomError('invalid_request', `"${param}" has more than the ${MAX_STOPS} texts that this model stops at. Leave some out, or cut the answer yourself.`, { param })
  if (!/(?:^|\/)(?:o3(?!-mini)|o4|gpt-5(?:\.[12])?(?![.\d]|-chat))/.test(target.servedModel)) return
  throw new LoomError('invalid_request', `"${param}" is not taken by this model, which reasons. Leave it out, or cut the answer yourself.`, { param })
}

function translate(text: string, toAnswer: OverChat['toAnswer']): object {
  try {
    return toAnswer(parseAnswer(text))
  } catch (cause) {
    if (cause instanceof LoomError) throw cause
    throw new LoomError('upstream_error', 'The provider answered with something that is not a chat completion.', { cause })
  }
}
