import { z } from 'zod'
import { parseJson } from '../../../shared/parse-json'
import { isCut } from '../is-cut'
import { finishReason, MessageUsage, toChatUsage } from './anthropic-usage'
import { ChatChunks } from './chat-chunks'
import type { Connection } from './provider'
import type { EventTranslation } from './translate-events'

const Delta = z.union([
  z.object({ type: z.literal('text_delta'), text: z.string() }),
  z.object({ type: z.literal('thinking_delta'), thinking: z.string() }),
  z.object({ type: z.literal('input_json_delta'), partial_json: z.string() }),
  z.object({ type: z.string() }).transform(() => ({ type: 'other' as const }))
])

const Event = z.discriminatedUnion('type', [
  z.object({ type: z.literal('message_start'), message: z.object({ id: z.string(), model: z.string(), usage: MessageUsage.optional() }) }),
  z.object({
    type: z.literal('content_block_start'),
    index: z.int(),
    content_block: z.looseObject({ type: z.string(), id: z.string().optional(), name: z.string().optional(), text: z.string().optional() })
  }),
  z.object({ type: z.literal('content_block_delta'), index: z.int(), delta: Delta }),
  z.object({ type: z.literal('message_delta'), delta: z.object({ stop_reason: z.string().nullish() }), usage: MessageUsage.optional() }),
  z.object({ type: z.literal('message_stop') }),
  z.object({ type: z.literal('error'), error: z.object({ type: z.string(), message: z.string() }) }),
  z.object({ type: z.literal('content_block_stop') }),
  z.object({ type: z.literal('ping') })
])
type Event = z.infer<typeof Event>

/** Translates one Messages API stream into chat-completion chunks. */
export class AnthropicStream implements EventTranslation {
  private readonly chunks: ChatChunks
  private usage: MessageUsage = {}
  private stopReason: string | null | undefined
  /** Anthropic's block index → the index of its tool call. */
  private readonly toolCalls = new Map<number, number>()
  /** The call that came last, while nothing has come of its input. */
  private bareCall: number | undefined
  private finished = false

  constructor(connection: Connection, createdAt: Date) {
    this.chunks = new ChatChunks(connection, createdAt)
  }

  event(data: string): string {
    if (this.finished) return ''
    const event = readEvent(data)
    if (event === 'unknown') return ''
    if (event === 'garbage') return this.fail('The provider sent an event that cannot be read.')
    return this.translate(event)
  }

  end(): string {
    return this.finished ? '' : this.fail('The provider ended the stream before the answer was complete.')
  }

  private translate(event: Event): string {
    switch (event.type) {
      case 'message_start':
        this.chunks.id = event.message.id
        this.chunks.model = event.message.model
        // Of the answer, only its end tells how long it is.
        this.usage = { ...event.message.usage, output_tokens: undefined }
        return this.chunks.usageSoFar(toChatUsage({ ...this.usage, output_tokens: 0 })) + this.chunks.delta({ role: 'assistant', content: '' })
      case 'content_block_start':
        return this.startBlock(event.index, event.content_block)
      case 'content_block_delta':
        return this.continueBlock(event.index, event.delta)
      case 'message_delta':
        this.stopReason = event.delta.stop_reason ?? this.stopReason
        this.usage = { ...this.usage, ...withoutNulls(event.usage ?? {}) }
        return ''
      case 'message_stop':
        return this.finish()
      case 'error':
        return this.fail(event.error.message, event.error.type)
      default:
        return ''
    }
  }

  private startBlock(index: number, block: { type: string, id?: string, name?: string, text?: string }): string {
    const before = this.endBareCall()
    if (block.type === 'text' && block.text) return before + this.chunks.delta({ content: block.text })
    if (block.type !== 'tool_use') return before
    const position = this.toolCalls.size
    this.toolCalls.set(index, position)
    this.bareCall = position
    return before + this.chunks.delta({ tool_calls: [{ index: position, id: block.id, type: 'function', function: { name: block.name, arguments: '' } }] })
  }

  private continueBlock(index: number, delta: z.infer<typeof Delta>): string {
    if (delta.type === 'text_delta') return this.chunks.delta({ content: delta.text })
    if (delta.type === 'thinking_delta') return this.chunks.delta({ reasoning_content: delta.thinking })
    const position = this.toolCalls.get(index)
    if (delta.type !== 'input_json_delta' || position === undefined || delta.partial_json === '') return ''
    this.bareCall = undefined
    return this.chunks.delta({ tool_calls: [{ index: position, function: { arguments: delta.partial_json } }] })
  }

  /** A tool that takes nothing is called with no input at all; in a chat its arguments are JSON all the same. */
  private endBareCall(): string {
    const position = this.bareCall
    this.bareCall = undefined
    return position === undefined ? '' : this.chunks.delta({ tool_calls: [{ index: position, function: { arguments: '{}' } }] })
  }

  private finish(): string {
    this.finished = true
    const reason = finishReason(this.stopReason)
    return (isCut(reason) ? '' : this.endBareCall()) + this.chunks.end(reason, toChatUsage(this.usage))
  }

  private fail(message: string, type?: string): string {
    this.finished = true
    return this.chunks.failure(message, type)
  }
}

const Typed = z.object({ type: z.string() })
const knownTypes: ReadonlySet<string> = new Set(Event.options.map(option => option.shape.type.value))

/** Anthropic adds event types at will and asks clients to skip those they do not know. */
function readEvent(data: string): Event | 'unknown' | 'garbage' {
  const value = parseJson(data)
  const event = Event.safeParse(value)
  if (event.success) return event.data
  const typed = Typed.safeParse(value)
  return typed.success && !knownTypes.has(typed.data.type) ? 'unknown' : 'garbage'
}

function withoutNulls(usage: MessageUsage): MessageUsage {
  return Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== null && value !== undefined))
}
