import { z } from 'zod'
import type { Target } from '../../catalog/target'
import { MAX_CHOICES } from '../answer-limits'
import { boundTokens } from '../estimate-cost'
import type { ModelLimits } from '../estimate-cost'
import { listOf } from '../list-of'
import { toOpenAiError } from '../openai-error'
import { thinkingBudget } from '../providers/anthropic-model'
import type { Transport } from '../providers/provider'
import { parseAnswer } from '../told-failure'
import { readUsage } from '../usage'
import type { ChatChunk } from './assemble-completion'
import { measureMedia, refersElsewhere, takeMedia } from './chat-media'
import { chatOutput, HeardAndSeen } from './chat-output'
import { ChatTap } from './chat-tap'
import type { Prompt } from './count-prompt'
import { countClosely, countPrompt } from './count-prompt'
import { withoutOurFields } from './earlier-thoughts'
import { JsonRequest } from './json-request'
import { withMistralsIds } from './mistral-chat'
import { ModelName } from './model-name'
import type { CallRequest, Made, Operation, WholeAnswer } from './operation'
import { asTaken, requireChat, takesChatAsIs, withLimit } from './over-chat'
import { reasoningIn } from './reasoning-in'
import { findBilledByUse, findSurcharge, findUnpriced } from './unpriced'

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

/** A `chat.completion`, as far as the road reads it. */
const Completion = z.looseObject({
  choices: z.array(z.looseObject({
    message: z.looseObject({ content: z.unknown().optional(), reasoning_content: z.string().nullish().catch(undefined), tool_calls: z.unknown().optional(), ...chatOutput }).nullish()
  })).min(1).max(MAX_CHOICES),
  usage: z.unknown().optional()
})
type Completion = z.infer<typeof Completion>

/** `POST /v1/chat/completions`: the format every kind of provider answers in. */
export const chatCompletions: Operation = {
  name: 'chat.completions',
  path: '/v1/chat/completions',
  scope: 'chat',
  parse: raw => parseChatRequest(raw),
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

  constructor(raw: Buffer, private readonly onChunk?: (chunk: ChatChunk) => void) {
    super(raw, ChatBody)
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
    requireChat(target)
    return target.provider.chatCompletions(target.connection, { body: this.bodyFor(target), upstreamModel: target.upstreamModel, stream: this.stream }, transport, signal)
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

  readAnswer(body: Buffer): WholeAnswer {
    const completion = Completion.parse(parseAnswer(body.toString('utf8')))
    return {
      contentType: 'application/json',
      usage: readUsage(completion.usage),
      rawUsage: completion.usage,
      text: () => textOf(completion),
      ...measureOutput(completion, this.body.audio),
      surcharge: findSurcharge(completion),
      finish: () => body
    }
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

/** What was written, thought and said; a call of a tool counts with its framing. */
function textOf({ choices }: Completion): string {
  return choices.map(({ message }) => {
    if (!message) return ''
    const { audio, images: _images, ...written } = message
    const isCall = (Array.isArray(message.tool_calls) && message.tool_calls.length > 0) || Boolean(message.function_call)
    const text = typeof message.content === 'string' && !isCall ? reasoningIn(message) + message.content : JSON.stringify(written)
    return text + (audio?.transcript ?? '')
  }).join('')
}

const AskedSound = z.object({ format: z.string() })

/** @param audio how the sound was asked for */
function measureOutput({ choices }: Completion, audio: unknown): Made {
  const heardAndSeen = new HeardAndSeen(audio === undefined ? undefined : AskedSound.safeParse(audio).data?.format)
  for (const { message } of choices) if (message) heardAndSeen.add(message)
  return heardAndSeen.made
}

function promptOf(body: ChatBody): Prompt {
  const { messages, media } = takeMedia(body.messages)
  return { rest: { ...body, messages }, media }
}
