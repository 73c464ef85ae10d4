import { z } from 'zod'
import { LoomError } from '../../errors'
import { toAnthropicError } from '../anthropic-error'
import { ToldFailure } from '../providers/upstream-failure'
import type { SseEvent } from '../sse-events'
import { promptOf, storable } from '../usage'
import type { PromptUsage, Usage } from '../usage'
import { EventTap, lengthAsJson, parseEvent } from './event-tap'
import { readMessageUsage, toMessageUsage } from './message-answer'
import type { Surcharge } from './unpriced'
import { findSurcharge } from './unpriced'

const Counts = z.record(z.string(), z.unknown()).nullish().catch(undefined)
const Typed = z.looseObject({ type: z.string() })
const Start = z.object({ message: z.looseObject({ usage: Counts }) })
const BlockStart = z.object({ index: z.int().nonnegative().max(10_000), content_block: z.looseObject({ type: z.string() }) })
const BlockDelta = z.object({ index: z.int(), delta: z.object({ text: z.string().optional(), thinking: z.string().optional(), partial_json: z.string().optional(), content: z.string().nullish().catch(undefined) }) })
const MessageDelta = z.looseObject({ delta: z.looseObject({ stop_reason: z.string().nullish() }), usage: Counts })
const Failure = z.object({ error: z.object({ type: z.string().optional().catch(undefined), message: z.string() }) })

interface Block { start: Record<string, unknown>, text: string, thinking: string, json: string, summary: string }

/** Reads a stream of Messages events. Held back are `message_stop`, and the `message_delta` before it: it tells the charged usage and cost. */
export class MessagesTap extends EventTap {
  inputUsage: PromptUsage | undefined
  private message: Record<string, unknown> = {}
  private readonly blocks = new Map<number, Block>()
  private counts: Record<string, unknown> = {}
  private delta: z.infer<typeof MessageDelta> | undefined
  private length = 0

  get surcharge(): Surcharge | undefined {
    return findSurcharge({ usage: this.counts })
  }

  get whole(): boolean {
    return Boolean(this.delta?.delta.stop_reason)
  }

  get text(): string {
    return [...this.blocks.values()].map(({ start, text, thinking, json, summary }) => summary + thinking + text + (typeof start.name === 'string' ? start.name : '') + json).join('')
  }

  get summary(): string {
    return [...this.blocks.values()].map(({ summary }) => summary).join('')
  }

  record(): Buffer {
    const content = [...this.blocks.values()].map(({ start, text, thinking, json, summary }) => ({
      ...start,
      ...(summary && { content: summary }),
      ...(text && { text }),
      ...(thinking && { thinking }),
      // As it was streamed: cut off, it is no JSON.
      ...(json && { input: json })
    }))
    return Buffer.from(JSON.stringify({ ...this.message, content, ...this.delta?.delta, usage: storable(this.rawUsage) }))
  }

  closing(usage: Usage, costUsd: string): Buffer {
    const last = this.delta ?? { delta: { stop_reason: 'end_turn', stop_sequence: null } }
    const counts = this.usage ? this.counts : { ...this.counts, ...toMessageUsage(usage) }
    return Buffer.concat([toEvent({ ...last, type: 'message_delta', usage: { ...counts, cost: Number(costUsd) } }), toEvent({ type: 'message_stop' })])
  }

  failure(error: LoomError): Buffer {
    return toEvent(toAnthropicError(error))
  }

  protected read({ data, bytes }: SseEvent): Buffer | undefined {
    const event = readAs(Typed, parseEvent(data))
    switch (event.type) {
      case 'message_start':
        this.begin(readAs(Start, event).message)
        return bytes
      case 'content_block_start':
        this.startBlock(readAs(BlockStart, event))
        return bytes
      case 'content_block_delta':
        this.extendBlock(readAs(BlockDelta, event))
        return bytes
      case 'message_delta':
        this.takeDelta(readAs(MessageDelta, event))
        return undefined
      case 'message_stop':
        this.done = true
        return undefined
      case 'error': {
        const { message, type: code } = readAs(Failure, event).error
        throw new ToldFailure(message, { code })
      }
      default:
        return bytes
    }
  }

  private begin({ usage: counts, ...message }: z.infer<typeof Start>['message']): void {
    this.grow(lengthAsJson({ ...message, counts }))
    this.message = message
    this.count(counts)
    this.inputUsage = promptOf(readMessageUsage({ output_tokens: 0, ...this.counts }))
  }

  private startBlock({ index, content_block: start }: z.infer<typeof BlockStart>): void {
    this.blocks.set(index, { start, text: '', thinking: '', json: '', summary: '' })
    this.grow(lengthAsJson(start))
  }

  private extendBlock({ index, delta: { text = '', thinking = '', partial_json: json = '', content } }: z.infer<typeof BlockDelta>): void {
    const block = this.blocks.get(index)
    if (!block) return
    block.text += text
    block.thinking += thinking
    block.json += json
    const summary = block.start.type === 'compaction' ? content ?? '' : ''
    block.summary += summary
    this.grow(text.length + thinking.length + json.length + summary.length)
  }

  private takeDelta(event: z.infer<typeof MessageDelta>): void {
    this.grow(lengthAsJson(event))
    this.delta = event
    this.count(event.usage)
    // Without a count of the answer there is none: an answer translated on its way begins with zeroes.
    if (typeof event.usage?.output_tokens !== 'number') return
    this.usage = readMessageUsage(this.counts)
    this.rawUsage = this.counts
  }

  /** Each report is cumulative, and leaves out what has not changed. */
  private count(counts: z.infer<typeof Counts>): void {
    for (const [name, value] of Object.entries(counts ?? {})) if (value !== null && value !== undefined) this.counts[name] = value
  }

  private grow(length: number): void {
    this.length += length
    this.requireSane(this.length)
  }
}

/** @throws {LoomError} `upstream_error` */
function readAs<Value>(schema: z.ZodType<Value>, event: unknown): Value {
  const parsed = schema.safeParse(event)
  if (!parsed.success) throw new LoomError('upstream_error', 'The provider sent something that is not an event of a message.')
  return parsed.data
}

function toEvent(event: { type: string } & Record<string, unknown>): Buffer {
  return Buffer.from(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
}
