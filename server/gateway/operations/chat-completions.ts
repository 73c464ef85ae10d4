import { z } from 'zod'
import type { Target } from '../../catalog/target'
import { boundTokens } from '../estimate-cost'
import type { ModelLimits } from '../estimate-cost'
import { listOf } from '../list-of'
import { toOpenAiError } from '../openai-error'
import { thinkingBudget } from '../providers/anthropic-model'
import type { Transport } from '../providers/provider'
import type { ChatChunk } from './assemble-completion'
import { measureMedia, refersElsewhere, takeMedia } from './chat-media'
import { ChatByInput, isByInput } from './chat-by-input'
import { ChatTap } from './chat-tap'
import type { Prompt } from './count-prompt'
import { countClosely, countPrompt } from './count-prompt'
import { withoutOurFields } from './earlier-thoughts'
import { JsonRequest } from './json-request'
import { withMistralsIds } from './mistral-chat'
import { ModelName } from './model-name'
import type { CallRequest, Operation } from './operation'
import { asTaken, sendChat, takesChatAsIs, withLimit } from './over-chat'
import { readChat } from './read-chat'
import { readJson } from './read-json'
import { findBilledByUse, findUnpriced } from './unpriced'

const Message = z.looseObject({ role: z.string(), content: z.unknown().optional() })

/**
 * What the road must understand of a chat-completions body. Everything else is passed on as it came: a provider's
 * newest field must not wait for us. Source: the OpenAI API reference, "Create chat completion".
 */
export const ChatBody = z.looseObject({
  model: ModelName,
  messages: listOf(Message, 1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
  n: z.int().min(1).max(128).nullish()
})
export type ChatBody = z.infer<typeof ChatBody>

/** `POST /v1/chat/completions`: the format every kind of provider answers in. */
export const chatCompletions: Operation = {
  name: 'chat.completions',
  path: '/v1/chat/completions',
  scope: 'chat',
  parse: (raw) => {
    const json = readJson(raw)
    return isByInput(json) ? new ChatByInput(raw, json) : new ChatRequest(raw, undefined, json)
  },
  toError: toOpenAiError
}

/**
 * @param onChunk told each chunk of a streamed answer, for a caller in this process
 * @throws {LoomError} `invalid_request` naming the first field at fault
 */
export function parseChatRequest(raw: Buffer, onChunk?: (chunk: ChatChunk) => void): ChatRequest {
  return new ChatRequest(raw, onChunk)
}

class ChatRequest extends JsonRequest<ChatBody> implements CallRequest {
  readonly stream = this.body.stream === true
  readonly askedOutputTokens = askedOutputTokens(this.body)
  private outputLimit: number | undefined
  private measuredMedia: ReturnType<typeof measureMedia> | undefined

  constructor(raw: Buffer, private readonly onChunk?: (chunk: ChatChunk) => void, json = readJson(raw)) {
    super(raw, ChatBody, undefined, json)
  }

  limitOutput(maxTokens: number) {
    if (this.askedOutputTokens === undefined) this.outputLimit = maxTokens
  }

  unpriced(target: Target) {
    return takesChatAsIs(target) ? findUnpriced(this.body) : undefined
  }

  bound(target: Target) {
    return boundTokens({
      bodyBytes: this.raw.length,
      ...this.media,
      maxOutputTokens: this.askedOutputTokens ?? this.outputLimit ?? 0,
      answers: this.body.n ?? 1,
      // What a provider searches, keeps or fetches, and Azure's own data, is in no body.
      readsMore: takesChatAsIs(target) && (findBilledByUse(this.body) !== undefined || Boolean(this.body.data_sources) || refersElsewhere(this.body.messages))
    }, this.limitsOf(target))
  }

  /** Where a limit is sent for a caller who sets none, it leaves room for what they let the model think. */
  private limitsOf(target: Target): ModelLimits {
    const budget = thinkingBudget(this.body.thinking)
    return budget > 0 && target.defaultOutputTokens !== undefined ? { ...target, defaultOutputTokens: target.defaultOutputTokens + budget } : target
  }

  countInput() {
    return countPrompt(promptOf(this.body))
  }

  countClosely() {
    return countClosely(promptOf(this.body), this.media.packed)
  }

  async countAt({ provider, connection, upstreamModel }: Target, transport: Transport, signal: AbortSignal) {
    return provider.countPrompt?.('chat.completions', connection, { body: this.body, upstreamModel, stream: false }, transport, signal)
  }

  send(target: Target, transport: Transport, signal: AbortSignal) {
    return sendChat(target, this.bodyFor(target), this.stream, transport, signal)
  }

  /**
   * OpenAI's newest models know only the newer of the two names of a limit, other servers often only the older. And OpenAI takes
   * `metadata` only with `store`: otherwise it is ours alone. What we ask for ourselves fits the model that answers; a caller's own words are let be, but
   * for a limit that it would not obey, and for those of ours in them that a server refuses.
   */
  private bodyFor(target: Target): Readonly<Record<string, unknown>> {
    const { connection: { kind } } = target
    const body = this.onChunk ? asTaken(this.body, target) : withLimit(withMistralsIds(withoutOurFields(this.body, target), target), target)
    const isOpenAi = kind === 'openai' || kind === 'azure'
    const limit = this.outputLimit !== undefined && { [isOpenAi ? 'max_completion_tokens' : 'max_tokens']: this.outputLimit }
    if (!isOpenAi || this.metadata === undefined || this.body.store === true) return limit ? { ...body, ...limit } : body
    const { metadata: _, ...rest } = body
    return { ...rest, ...limit }
  }

  readAnswer(body: Buffer) {
    return readChat(body, this.body.audio)
  }

  tap() {
    return new ChatTap(this.body.stream_options?.include_usage === true, this.body.n ?? 1, this.onChunk)
  }

  /** Once a request, for every file of it is read. */
  private get media() {
    return this.measuredMedia ??= measureMedia(this.body.messages)
  }
}

/** Which of the two a provider obeys is its own affair. */
function askedOutputTokens({ max_completion_tokens, max_tokens }: ChatBody): number | undefined {
  return Math.max(max_completion_tokens ?? 0, max_tokens ?? 0) || undefined
}

function promptOf(body: ChatBody): Prompt {
  const { messages, media } = takeMedia(body.messages)
  return { rest: { ...body, messages }, media }
}
