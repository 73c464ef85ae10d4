import { z } from 'zod'
import { LoomError } from '../../errors'
import { fieldOf } from '../field-of'
import { toOpenAiError } from '../openai-error'
import type { SseEvent } from '../sse-events'
import { promptOf, storable } from '../usage'
import type { PromptUsage, Usage } from '../usage'
import { HeardAndSeen } from './chat-output'
import { EventTap, lengthAsJson, parseEvent } from './event-tap'
import { failureOf, readResponseUsage, toResponseUsage } from './response-answer'
import { idsGiven } from './provider-ids'
import { messageItem } from './response-items'
import { ownTools } from './responses-body'
import type { Surcharge } from './unpriced'
import { findSurcharge } from './unpriced'

const Event = z.looseObject({
  type: z.string(),
  sequence_number: z.int().nonnegative().optional().catch(undefined),
  delta: z.string().optional().catch(undefined),
  item: z.looseObject({ id: z.string(), type: z.string() }).optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  error: z.looseObject({ message: z.string() }).optional().catch(undefined),
  response: z.looseObject({ usage: z.unknown().optional(), error: z.looseObject({ message: z.string() }).nullish().catch(undefined) }).optional()
})
type Event = z.infer<typeof Event>

/** The item in which a picture of OpenAI's tool comes. */
const PICTURE = 'image_generation_call'
const ENDINGS = /^response\.(?:completed|incomplete|failed)$/

/** Deltas of what the model writes; others carry sound or pictures. */
const WRITTEN = /^response\.(?:output_text|refusal|reasoning_text|reasoning_summary_text|function_call_arguments|custom_tool_call_input|mcp_call_arguments|code_interpreter_call_code)\.delta$/

/** Reads a stream of Responses events. Held back is the one that ends it, `response.completed` or `response.incomplete`: it tells the charged usage and cost. */
export class ResponsesTap extends EventTap {
  /** No other event tells that all is here. */
  readonly whole = false
  inputUsage: PromptUsage | undefined
  private written: string[] = []
  private length = 0
  /** Items that are done, without their pictures, how long they are, and the message that is being written, from which delta on. */
  private readonly items: object[] = []
  private itemsLength = 0
  private message: { id: string, from: number } | undefined
  private readonly seen = new HeardAndSeen()
  private sequence = -1
  private response: Event['response']
  private last: Event | undefined

  get text(): string {
    return this.written.join('')
  }

  get outputTokens(): number {
    return this.seen.made.outputTokens
  }

  get surcharge(): Surcharge | undefined {
    return this.response && findSurcharge(this.response, ownTools)
  }

  record(): Buffer {
    return Buffer.from(JSON.stringify({ ...this.responseSoFar(), usage: storable(this.rawUsage) }))
  }

  givenIds(): string[] {
    return idsGiven(this.responseSoFar())
  }

  closing(usage: Usage, costUsd: string): Buffer {
    const counts = this.usage && typeof this.rawUsage === 'object' ? this.rawUsage : toResponseUsage(usage)
    return toEvent({ type: 'response.completed', ...this.last, response: { ...this.last?.response, usage: { ...counts, cost: Number(costUsd) } } })
  }

  /** A response that has begun ends as one that failed: Codex reads no other word of it. Then in both forms that errors have: the documented one, and the nested one that OpenAI sends and its SDK throws. */
  failure(error: LoomError): Buffer {
    const { error: nested } = toOpenAiError(error)
    const { code, message, param } = nested
    const failed = this.response && { ...this.responseSoFar(), status: 'failed', error: { code, message } }
    const ends = [...failed ? [{ type: 'response.failed', response: failed }] : [], { type: 'error', code, message, param, error: nested }]
    return Buffer.concat(ends.map((event, index) => toEvent({ ...event, sequence_number: this.sequence + 1 + index })))
  }

  protected read({ data, bytes }: SseEvent): Buffer | undefined {
    if (data === '[DONE]') return undefined
    const parsed = Event.safeParse(parseEvent(data))
    if (!parsed.success) throw new LoomError('upstream_error', 'The provider sent something that is not an event of a response.')
    const event = parsed.data
    if (event.type === 'error') throw failureOf(event.error ?? event)
    if (event.response) this.take(event.response, ENDINGS.test(event.type))
    if (event.type === 'response.failed') throw failureOf(event.response?.error)
    if (event.type === 'response.completed' || event.type === 'response.incomplete') {
      this.last = event
      this.done = true
      return undefined
    }
    this.sequence = event.sequence_number ?? this.sequence + 1
    if (event.delta && WRITTEN.test(event.type)) this.write(event.delta)
    if (event.item) this.follow(event.type, event.item)
    return bytes
  }

  /** Of items, only a message can be gone on from before it is done. */
  private follow(event: string, item: NonNullable<Event['item']>): void {
    if (event === 'response.output_item.added') this.message = item.type === 'message' ? { id: item.id, from: this.written.length } : undefined
    if (event !== 'response.output_item.done') return
    // One that failed has none.
    if (item.type === PICTURE && typeof item.result === 'string') this.seen.add({ images: [item.result] })
    const kept = item.type === PICTURE ? { ...item, result: undefined } : item
    this.itemsLength += lengthAsJson(kept)
    this.requireSane(this.itemsLength)
    this.items.push(kept)
    this.message = undefined
  }

  private responseSoFar(): object {
    return this.last?.response ?? { ...this.response, status: 'incomplete', output: this.outputSoFar(), output_text: this.text }
  }

  private outputSoFar(): object[] {
    const text = this.message && this.written.slice(this.message.from).join('')
    return this.message && text ? [...this.items, messageItem({ type: 'output_text', text, annotations: [], logprobs: [] }, 'incomplete', this.message.id)] : this.items
  }

  /** What a response tells of its usage before it ends, as one that is translated may, is its prompt's alone. */
  private take(response: NonNullable<Event['response']>, isLast: boolean): void {
    const output = Array.isArray(response.output) ? response.output.map((item: unknown) => fieldOf(item, 'type') === PICTURE ? { ...Object(item), result: undefined } : item) : response.output
    this.requireSane(lengthAsJson({ ...response, output }))
    this.response = response
    const usage = readResponseUsage(response.usage)
    if (isLast) [this.usage, this.rawUsage] = [usage, response.usage]
    else this.inputUsage = promptOf(usage) ?? this.inputUsage
  }

  private write(delta: string): void {
    this.written.push(delta)
    this.length += delta.length
    this.requireSane(this.length)
  }
}

function toEvent(event: { type: string } & Record<string, unknown>): Buffer {
  return Buffer.from(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
}
