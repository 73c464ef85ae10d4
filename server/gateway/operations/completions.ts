import { z } from 'zod'
import type { Target } from '../../catalog/target'
import { MAX_CHOICES } from '../answer-limits'
import { countTextTokens, MAX_COUNTED_CHARACTERS } from '../count-tokens'
import { boundTokens } from '../estimate-cost'
import { toOpenAiError } from '../openai-error'
import { encodeBody } from '../providers/encode-body'
import type { ProviderCall, Transport } from '../providers/provider'
import { parseAnswer } from '../told-failure'
import { readUsage } from '../usage'
import { CompletionsBody, DEFAULT_MAX_TOKENS, MAX_PROMPTS } from './completions-body'
import { toCompletionOverChat } from './completions-over-chat'
import { CompletionsTap } from './completions-tap'
import { JsonRequest } from './json-request'
import type { CallRequest, Operation, WholeAnswer } from './operation'
import { sendOverChat } from './over-chat'
import { MAX_TOKEN_VALUES } from './token-list'
import { findBilledByUse, findUnpriced } from './unpriced'

const Completion = z.looseObject({ choices: z.array(z.looseObject({ text: z.string(), index: z.int().nullish().catch(undefined) })).min(1).max(MAX_CHOICES * MAX_PROMPTS), usage: z.unknown().optional() })

/** `POST /v1/completions`: OpenAI's first format, natively where a provider still has it, else over chat. */
export const completions: Operation = {
  name: 'completions',
  path: '/v1/completions',
  scope: 'chat',
  parse: raw => new CompletionsRequest(raw, CompletionsBody, MAX_TOKEN_VALUES),
  toError: toOpenAiError
}

class CompletionsRequest extends JsonRequest<CompletionsBody> implements CallRequest {
  readonly stream = this.body.stream === true
  readonly askedOutputTokens = this.body.max_tokens ?? undefined
  private outputLimit = DEFAULT_MAX_TOKENS

  limitOutput(maxTokens: number) {
    this.outputLimit = Math.min(this.outputLimit, maxTokens)
  }

  unpriced(target: Target) {
    return nativeCall(target) && findUnpriced(this.body)
  }

  bound(target: Target) {
    return boundTokens({
      bodyBytes: this.raw.length,
      mediaTokens: 0,
      mediaBytes: 0,
      // Never 0, which would mean that nothing was said.
      maxOutputTokens: Math.max(this.maxTokens, 1),
      answers: this.answers,
      readsMore: nativeCall(target) !== undefined && findBilledByUse(this.body) !== undefined
    }, target)
  }

  async countInput() {
    const { text, tokens } = this.promptParts()
    const { suffix } = this.body
    return tokens + await countTextTokens(typeof suffix === 'string' ? text + suffix : text)
  }

  async countClosely() {
    const { text, tokens } = this.promptParts()
    const { prompt: _prompt, ...rest } = this.body
    const written = text + encodeBody(rest)
    if (written.length > MAX_COUNTED_CHARACTERS) return undefined
    return { tokens: tokens + await countTextTokens(written), images: 0, soundTokens: 0 }
  }

  send(target: Target, transport: Transport, signal: AbortSignal) {
    const { connection, upstreamModel } = target
    const native = nativeCall(target)
    // Not every server knows the format's own default: what is held must be what is asked for.
    const body = { ...this.body, max_tokens: this.maxTokens }
    if (native) return native(connection, { body, upstreamModel, stream: this.stream }, transport, signal)
    return sendOverChat(target, this.stream, toCompletionOverChat(body, target), transport, signal)
  }

  readAnswer(body: Buffer): WholeAnswer {
    const completion = Completion.parse(parseAnswer(body.toString('utf8')))
    const { n, best_of: best } = this.body
    return {
      contentType: 'application/json',
      usage: readUsage(completion.usage),
      rawUsage: completion.usage,
      text: () => completion.choices.map(({ text, index }, place) => this.written(text, index ?? place)).join(''),
      ...(best && best > (n ?? 1) && { timesWritten: best / (n ?? 1) }),
      finish: () => body
    }
  }

  tap() {
    return new CompletionsTap(this.body.stream_options?.include_usage === true, this.prompts * (this.body.n ?? 1), (text, index) => this.written(text, index))
  }

  /** Of a choice's text, what the model wrote: with `echo` it begins with the prompt. */
  private written(text: string, index: number): string {
    const { prompt, echo, n } = this.body
    if (echo !== true) return text
    const own = typeof prompt === 'string' ? prompt : prompt?.[Math.floor(index / (n ?? 1))]
    return typeof own === 'string' && text.startsWith(own) ? text.slice(own.length) : text
  }

  private get maxTokens(): number {
    return this.askedOutputTokens ?? this.outputLimit
  }

  private get answers(): number {
    const { n, best_of: best } = this.body
    return this.prompts * Math.max(n ?? 1, best ?? 1)
  }

  private get prompts(): number {
    const { prompt } = this.body
    return Array.isArray(prompt) && typeof prompt[0] !== 'number' ? prompt.length : 1
  }

  /** The prompt's text, and how many tokens of it came as such. */
  private promptParts(): { text: string, tokens: number } {
    const pieces = [this.body.prompt ?? []].flat(2)
    const texts = pieces.filter(piece => typeof piece === 'string')
    return { text: texts.join('\n'), tokens: pieces.length - texts.length }
  }
}

/** Undefined where it goes over chat, which leaves out what it does not know. */
function nativeCall({ provider, connection, upstreamModel }: Target): ProviderCall | undefined {
  return provider.native?.('completions', connection, upstreamModel)
}
