import { v7 as uuidv7 } from 'uuid'
import type { Target } from '../../catalog/target'
import { LoomError } from '../../errors'
import { toAnthropicError } from '../anthropic-error'
import { isCut } from '../is-cut'
import { ToldFailure } from '../providers/upstream-failure'
import { noUsage } from '../usage'
import type { ChatChunk } from './assemble-completion'
import { readChatAnswer } from './chat-completion'
import type { ChatAnswer } from './chat-completion'
import { ChatEvents } from './chat-events'
import { fieldOf } from '../field-of'
import { toMessageUsage } from './message-answer'
import type { MessagesBody } from './messages-body'
import { messagesToChat } from './messages-to-chat'
import { extraContent } from './over-chat'
import type { OverChat } from './over-chat'
import { reasoningIn } from './reasoning-in'
import { fullNamesOf } from './tool-names'

/** A Messages call put to a model that speaks chat completions only. Reasoning is shown as thinking to those who asked for it. */
export function toMessageOverChat(body: MessagesBody, target: Target): OverChat {
  const thinking = fieldOf(body.thinking, 'type')
  const thinks = thinking !== undefined && thinking !== 'disabled'
  return {
    body: messagesToChat(body, target),
    toAnswer: completion => toMessage(completion, target.upstreamModel, thinks, fullNamesOf(body.tools)),
    toEvents: () => new MessageEvents(target.upstreamModel, thinks, fullNamesOf(body.tools))
  }
}

function toMessage(completion: unknown, model: string, thinks: boolean, fullName: (name: string) => string): object {
  const answer = readChatAnswer(completion)
  const text = answer.text || answer.refusal
  return {
    ...messageHead(answer.model ?? model),
    content: [
      ...(thinks && answer.reasoning ? [{ type: 'thinking', thinking: answer.reasoning, signature: '' }] : []),
      ...(text ? [{ type: 'text', text, citations: null }] : []),
      ...toolUses(answer, fullName)
    ],
    stop_reason: stopReason(answer.finishReason, answer.toolCalls.length > 0),
    stop_sequence: null,
    // Without counts of the provider's, ours are put in later.
    usage: answer.usage ? toMessageUsage(answer.usage) : {}
  }
}

function messageHead(model: string) {
  return { id: `msg_${uuidv7().replaceAll('-', '')}`, type: 'message', role: 'assistant', model }
}

/** `tool_use` is for calls that are whole: clients run them when they read it. */
function stopReason(finishReason: string, calls: boolean): string {
  if (finishReason === 'length') return 'max_tokens'
  if (finishReason === 'content_filter') return 'refusal'
  return calls ? 'tool_use' : 'end_turn'
}

/** The calls as blocks. One in which the answer was cut off is left out: half an input is none. */
function toolUses({ toolCalls, finishReason }: ChatAnswer, fullName: (name: string) => string): object[] {
  return toolCalls.flatMap(({ id, name, arguments: written, extra }) => {
    try {
      return [{ type: 'tool_use', id, name: fullName(name), input: JSON.parse(written), ...extraContent(extra) }]
    } catch (cause) {
      if (isCut(finishReason)) return []
      throw new LoomError('upstream_error', 'The model called a tool with arguments that are not JSON.', { cause })
    }
  })
}

/** Chunks of a chat completion as Messages events: blocks one after the other, each closed before the next begins. */
class MessageEvents extends ChatEvents {
  private begun = false
  private blocks = 0
  /** What the open block holds: `text`, `thinking`, or a tool call by its index. */
  private open: 'text' | 'thinking' | number | undefined
  private lastCall = -1

  constructor(private readonly model: string, private readonly thinks: boolean, private readonly fullName: (name: string) => string) {
    super()
  }

  protected translate(chunk: ChatChunk): string {
    const delta = chunk.choices.find(({ index }) => index === 0)?.delta
    // Azure's first chunk tells what its filter made of the prompt, and names no model yet.
    let events = chunk.model || delta ? this.begin(chunk.model || this.model) : ''
    const thinking = delta && this.thinks ? reasoningIn(delta) : ''
    if (thinking) events += this.write('thinking', { type: 'thinking', thinking: '', signature: '' }, { type: 'thinking_delta', thinking })
    for (const text of [delta?.content, delta?.refusal]) if (text) events += this.write('text', { type: 'text', text: '', citations: null }, { type: 'text_delta', text })
    for (const { index, id, function: called, extra_content: extra } of delta?.tool_calls ?? []) {
      if (index < this.lastCall) return events + this.fail('The model wrote two tool calls at once.')
      this.lastCall = index
      events += this.write(index, { type: 'tool_use', id: id || `toolu_${uuidv7().replaceAll('-', '')}`, name: this.fullName(called?.name ?? ''), input: {}, ...extraContent(extra) }, called?.arguments ? { type: 'input_json_delta', partial_json: called.arguments } : undefined)
    }
    return events
  }

  protected finish(): string {
    const delta = { stop_reason: stopReason(this.finishReason ?? 'stop', this.lastCall >= 0), stop_sequence: null }
    const usage = this.usage ? toMessageUsage(this.usage) : {}
    return this.begin(this.model) + this.close() + event({ type: 'message_delta', delta, usage }) + event({ type: 'message_stop' })
  }

  protected failure(message: string): string {
    return event(toAnthropicError(new ToldFailure(message)))
  }

  private begin(model: string): string {
    if (this.begun) return ''
    this.begun = true
    return event({ type: 'message_start', message: { ...messageHead(model), content: [], stop_reason: null, stop_sequence: null, usage: toMessageUsage({ ...noUsage, ...this.promptUsage }) } })
  }

  private write(kind: NonNullable<typeof this.open>, start: object, delta: object | undefined): string {
    let events = ''
    if (this.open !== kind) {
      events = this.close() + event({ type: 'content_block_start', index: this.blocks, content_block: start })
      this.open = kind
    }
    return delta ? events + event({ type: 'content_block_delta', index: this.blocks, delta }) : events
  }

  private close(): string {
    if (this.open === undefined) return ''
    this.open = undefined
    return event({ type: 'content_block_stop', index: this.blocks++ })
  }
}

function event(data: { type: string } & Record<string, unknown>): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
}
