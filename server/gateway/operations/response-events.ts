import { newToolCallId } from '../providers/tool-use-id'
import { noUsage } from '../usage'
import type { ChatChunk } from './assemble-completion'
import { ChatEvents } from './chat-events'
import { CustomInput } from './custom-input'
import { reasoningIn } from './reasoning-in'
import { toResponseUsage } from './response-answer'
import { newId } from './response-ids'
import { callItem, describeResponse, messageItem, newCallItemId, outcomeOf, reasoningItem } from './response-items'
import type { ItemStatus, MessagePart, ToldCall, ToldToolCall } from './response-items'
import type { ResponsesBody } from './responses-body'
import type { ToolsAsFunctions } from './tools-as-functions'

/** An item that is being written. */
type OpenItem
  = | { kind: 'reasoning', id: string, text: string }
    | { kind: 'text' | 'refusal', id: string, text: string }
    | { kind: 'call', id: string, index: number, call: Omit<ToldToolCall, 'written'>, text: string, input: CustomInput | undefined }

/** Chunks of a chat completion as Responses events: items one after the other, each done before the next begins, numbered in order. */
export class ResponseEvents extends ChatEvents {
  private readonly response: Record<string, unknown>
  private readonly output: object[] = []
  private open: OpenItem | undefined
  private begun = false
  private lastCall = -1
  private sequence = 0
  private readonly callId: string

  constructor(body: ResponsesBody, model: string, call: ToldCall, private readonly tools: ToolsAsFunctions) {
    super()
    this.callId = call.id
    this.response = describeResponse(body, model, call)
  }

  protected translate(chunk: ChatChunk): string {
    const delta = chunk.choices.find(({ index }) => index === 0)?.delta
    // Azure's first chunk tells what its filter made of the prompt, and names no model yet.
    let events = chunk.model || delta ? this.begin(chunk.model) : ''
    const reasoning = delta ? reasoningIn(delta) : ''
    if (reasoning) events += this.write('reasoning', reasoning)
    if (delta?.content) events += this.write('text', delta.content)
    if (delta?.refusal) events += this.write('refusal', delta.refusal)
    for (const call of delta?.tool_calls ?? []) {
      if (call.index < this.lastCall) return events + this.fail('The model wrote two tool calls at once.')
      this.lastCall = call.index
      events += this.openCall(call) + this.extend(call.function?.arguments ?? '')
    }
    return events
  }

  protected finish(): string {
    const outcome = outcomeOf(this.finishReason ?? 'stop')
    // An answer without a word is a message all the same.
    const events = this.begin(undefined) + (this.output.length === 0 && !this.open ? this.start({ kind: 'text', id: newId('msg', this.callId), text: '' }) : '') + this.close(outcome.status)
    const usage = this.usage ? toResponseUsage(this.usage) : null
    return events + this.numbered(`response.${outcome.status}`, { response: { ...this.response, ...outcome, output: this.output, usage } })
  }

  protected failure(message: string): string {
    const told = { code: 'upstream_error', message, param: null }
    return this.numbered('error', { ...told, error: { type: 'upstream_error', ...told } })
  }

  private begin(model: string | null | undefined): string {
    if (this.begun) return ''
    this.begun = true
    if (model) this.response.model = model
    const response = { ...this.response, ...(this.promptUsage && { usage: toResponseUsage({ ...noUsage, ...this.promptUsage }) }) }
    return this.numbered('response.created', { response }) + this.numbered('response.in_progress', { response })
  }

  private write(kind: 'reasoning' | 'text' | 'refusal', text: string): string {
    const opened = this.open?.kind === kind ? '' : this.start({ kind, id: newId(kind === 'reasoning' ? 'rs' : 'msg', this.callId), text: '' })
    return opened + this.extend(text)
  }

  private openCall({ index, id, function: called, extra_content: extra }: NonNullable<NonNullable<ChatChunk['choices'][number]['delta']>['tool_calls']>[number]): string {
    if (this.open?.kind === 'call' && this.open.index === index) return ''
    const tool = this.tools.calledBy(called?.name ?? '')
    return this.start({ kind: 'call', id: newCallItemId(tool, this.callId), index, call: { id: id || newToolCallId(), tool, extra }, text: '', input: tool.type === 'custom' ? new CustomInput() : undefined })
  }

  private start(item: OpenItem): string {
    const closed = this.close()
    this.open = item
    const { id } = item
    if (item.kind === 'call') return closed + this.itemEvent('response.output_item.added', { item: callItem({ ...item.call, written: '' }, 'in_progress', id) })
    if (item.kind === 'reasoning') {
      return closed + this.itemEvent('response.output_item.added', { item: { id, type: 'reasoning', summary: [] } })
        + this.itemEvent('response.reasoning_summary_part.added', { item_id: id, summary_index: 0, part: { type: 'summary_text', text: '' } })
    }
    return closed + this.itemEvent('response.output_item.added', { item: { id, type: 'message', status: 'in_progress', role: 'assistant', content: [] } })
      + this.itemEvent('response.content_part.added', { item_id: id, content_index: 0, part: toPart(item.kind, '') })
  }

  private extend(written: string): string {
    const item = this.open
    return item ? this.add(item, item.kind === 'call' && item.input ? item.input.read(written) : written) : ''
  }

  private add(item: OpenItem, delta: string): string {
    if (delta === '') return ''
    item.text += delta
    const at = { item_id: item.id, delta }
    if (item.kind === 'call') return this.itemEvent(`response.${item.input ? 'custom_tool_call_input' : 'function_call_arguments'}.delta`, at)
    if (item.kind === 'reasoning') return this.itemEvent('response.reasoning_summary_text.delta', { ...at, summary_index: 0 })
    return item.kind === 'text'
      ? this.itemEvent('response.output_text.delta', { ...at, content_index: 0, logprobs: [] })
      : this.itemEvent('response.refusal.delta', { ...at, content_index: 0 })
  }

  private close(status: ItemStatus = 'completed'): string {
    const item = this.open
    if (!item) return ''
    this.open = undefined
    const { id, text } = item
    if (item.kind === 'call') {
      const { call, input } = item
      const rest = input ? this.add(item, input.end()) : ''
      // A call of a tool that needs none comes without arguments, and one that was cut off before them, too.
      const written = item.text || (status === 'completed' && !input ? '{}' : '')
      const told = input
        ? this.itemEvent('response.custom_tool_call_input.done', { item_id: id, input: written })
        : this.itemEvent('response.function_call_arguments.done', { item_id: id, name: call.tool.name, arguments: written })
      return rest + told + this.done(callItem({ ...call, written }, status, id))
    }
    if (item.kind === 'reasoning') {
      const at = { item_id: id, summary_index: 0 }
      return this.itemEvent('response.reasoning_summary_text.done', { ...at, text }) + this.itemEvent('response.reasoning_summary_part.done', { ...at, part: { type: 'summary_text', text } }) + this.done(reasoningItem(text, id))
    }
    const at = { item_id: id, content_index: 0 }
    const part = toPart(item.kind, text)
    const told = item.kind === 'text' ? this.itemEvent('response.output_text.done', { ...at, text, logprobs: [] }) : this.itemEvent('response.refusal.done', { ...at, refusal: text })
    return told + this.itemEvent('response.content_part.done', { ...at, part }) + this.done(messageItem(part, status, id))
  }

  private done(item: object): string {
    const event = this.itemEvent('response.output_item.done', { item })
    this.output.push(item)
    return event
  }

  /** An event of the item that is written now. */
  private itemEvent(type: string, rest: Record<string, unknown>): string {
    return this.numbered(type, { output_index: this.output.length, ...rest })
  }

  private numbered(type: string, rest: Record<string, unknown>): string {
    return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: this.sequence++, ...rest })}\n\n`
  }
}

function toPart(kind: 'text' | 'refusal', text: string): MessagePart {
  return kind === 'text' ? { type: 'output_text', text, annotations: [], logprobs: [] } : { type: 'refusal', refusal: text }
}
