import { z } from 'zod'
import { parseJson } from '../../../shared/parse-json'
import { fieldOf } from '../field-of'
import { ChatChunks } from '../providers/chat-chunks'
import type { Connection } from '../providers/provider'
import type { EventTranslation } from '../providers/translate-events'
import { wordIn } from '../providers/upstream-failure'
import { BETWEEN_MESSAGES, chatUsageOf, EndedResponse, finishReasonOf, tierOf } from './completion-of-response'

const Text = z.object({ delta: z.string() })
const Event = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['response.created', 'response.in_progress', 'response.queued']), response: z.looseObject({ id: z.string(), model: z.string() }) }),
  z.object({ type: z.literal('response.output_item.added'), output_index: z.int(), item: z.looseObject({ type: z.string(), call_id: z.string().optional(), name: z.string().optional() }) }),
  Text.extend({ type: z.literal('response.output_text.delta'), output_index: z.int().optional() }),
  Text.extend({ type: z.enum(['response.refusal.delta', 'response.reasoning_summary_text.delta']) }),
  Text.extend({ type: z.literal('response.function_call_arguments.delta'), output_index: z.int() }),
  z.object({ type: z.literal('response.function_call_arguments.done'), output_index: z.int(), arguments: z.string() }),
  z.object({ type: z.enum(['response.completed', 'response.incomplete']), response: EndedResponse }),
  z.object({ type: z.enum(['response.failed', 'error']), response: EndedResponse.optional() })
])
type Event = z.infer<typeof Event>
const knownTypes: ReadonlySet<unknown> = new Set(Event.options.flatMap(({ shape: { type } }) => type instanceof z.ZodEnum ? type.options : [type.value]))

/** Where a delta of each kind belongs in a chat. */
const fields = { 'response.refusal.delta': 'refusal', 'response.reasoning_summary_text.delta': 'reasoning_content' } as const

/** Translates the events of one response into chat-completion chunks. */
export class ResponseChunks implements EventTranslation {
  private readonly chunks: ChatChunks
  private hasBegun = false
  /** The output that the last words are of. */
  private speaking: number | undefined
  private finished = false
  /** Its index among the outputs → its index among the calls, and whether anything came of its arguments. */
  private readonly calls = new Map<number, { index: number, isWritten: boolean }>()

  constructor(connection: Connection, createdAt: Date) {
    this.chunks = new ChatChunks(connection, createdAt)
  }

  event(data: string): string {
    if (this.finished) return ''
    const value = parseJson(data)
    const event = Event.safeParse(value).data
    if (event) return this.translate(event, value)
    // OpenAI adds kinds of events at will.
    const type = fieldOf(value, 'type')
    return typeof type === 'string' && !knownTypes.has(type) ? '' : this.fail('The provider sent an event that cannot be read.')
  }

  end(): string {
    return this.finished ? '' : this.fail('The provider ended the stream before the answer was complete.')
  }

  private translate(event: Event, value: unknown): string {
    switch (event.type) {
      case 'response.created':
      case 'response.in_progress':
      case 'response.queued':
        this.chunks.id = event.response.id
        this.chunks.model = event.response.model
        // Nothing is said by then: another target may be asked yet.
        return ''
      case 'response.output_text.delta':
        return event.delta === '' ? '' : this.say(event.output_index, event.delta)
      case 'response.output_item.added':
        return event.item.type === 'function_call' ? this.beginCall(event.output_index, event.item) : ''
      case 'response.function_call_arguments.delta':
        return this.write(event.output_index, event.delta)
      case 'response.function_call_arguments.done':
        // Some tell them only here.
        return this.calls.get(event.output_index)?.isWritten ? '' : this.write(event.output_index, event.arguments)
      case 'response.completed':
      case 'response.incomplete':
        this.finished = true
        return this.begin() + this.chunks.end(finishReasonOf(event.response, this.calls.size > 0), chatUsageOf(event.response), tierOf(event.response))
      case 'response.failed':
      case 'error':
        return this.failAs([event.response?.error, fieldOf(value, 'error'), value].find(told => messageOf(told) !== undefined))
      default:
        return event.delta === '' ? '' : this.begin() + this.chunks.delta({ [fields[event.type]]: event.delta })
    }
  }

  private begin(): string {
    if (this.hasBegun) return ''
    this.hasBegun = true
    return this.chunks.delta({ role: 'assistant', content: '' })
  }

  private say(output: number | undefined, text: string): string {
    const isNext = this.speaking !== undefined && this.speaking !== output
    this.speaking = output
    return this.begin() + this.chunks.delta({ content: isNext ? BETWEEN_MESSAGES + text : text })
  }

  private beginCall(output: number, { call_id: id, name }: { call_id?: string | undefined, name?: string | undefined }): string {
    const index = this.calls.size
    this.calls.set(output, { index, isWritten: false })
    return this.begin() + this.chunks.delta({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] })
  }

  private write(output: number, written: string): string {
    const call = this.calls.get(output)
    if (!call || written === '') return ''
    call.isWritten = true
    return this.chunks.delta({ tool_calls: [{ index: call.index, function: { arguments: written } }] })
  }

  private failAs(told: unknown): string {
    return this.fail(messageOf(told) ?? 'The provider failed to answer.', wordIn(fieldOf(told, 'code')))
  }

  private fail(message: string, code?: string): string {
    this.finished = true
    return this.chunks.failure(message, undefined, code)
  }
}

function messageOf(told: unknown): string | undefined {
  const message = fieldOf(told, 'message')
  return typeof message === 'string' && message !== '' ? message : undefined
}
