import { z } from 'zod'
import type { Target } from '../../catalog/target'
import { LoomError } from '../../errors'
import { MAX_CHOICES, MAX_PARTS } from '../answer-limits'
import { fieldOf } from '../field-of'
import { toOpenAiError } from '../openai-error'
import type { Transport } from '../providers/provider'
import { areToolArguments } from '../providers/tool-arguments'
import { ToldFailure } from '../providers/upstream-failure'
import { readAs } from '../read-as'
import type { ChatChunk, ToolCallDelta } from './assemble-completion'
import { ChatEvents } from './chat-events'
import { ChatTap } from './chat-tap'
import { CustomInput, unwrapInput } from './custom-input'
import { sendOverChat } from './over-chat'
import { readChat } from './read-chat'
import { ResponsesRequest } from './responses'
import { isReference, ownTools, toolsIn } from './responses-body'
import type { ResponsesBody } from './responses-body'
import { responsesToChat } from './responses-to-chat'
import type { ToolsAsFunctions } from './tools-as-functions'
import { findBilledByUse } from './unpriced'

/** Whether the body of a chat is one of the Responses API: `input`, and no `messages`. */
export function isByInput(json: unknown): boolean {
  const messages = fieldOf(json, 'messages') ?? []
  return Array.isArray(messages) && messages.length === 0 && (fieldOf(json, 'input') ?? undefined) !== undefined
}

/** What a request names of an earlier one, or of a provider's keeping. */
const keptFields = ['previous_response_id', 'conversation', 'prompt'] as const

const Limit = z.int().positive().nullish()
const refusal = 'is not read beside "input": leave it out, or send "messages"'
const Unread = z.null(refusal).optional()
const UnreadList = z.union([z.null(), z.tuple([])], refusal).optional()

/** Fields of a chat that change what its caller gets: its limit is read where there is none of a response, the others are refused. */
const ChatFields = z.looseObject({
  max_output_tokens: Limit,
  max_completion_tokens: Limit,
  max_tokens: Limit,
  n: z.literal(1, 'must be 1 beside "input"').nullish(),
  stop: UnreadList,
  response_format: z.unknown().refine(format => (fieldOf(format, 'type') ?? 'text') === 'text', 'is not read beside "input": ask by "text.format"').optional(),
  functions: UnreadList,
  audio: Unread
}).transform(({ max_output_tokens: limit, max_completion_tokens: newer, max_tokens: older, ...body }) => ({ ...body, max_output_tokens: limit ?? newer ?? older }))

/**
 * A chat that is asked for in the format of the Responses API, as Cursor asks GPT-5 and later at an address of one's own, and is answered as any chat. Source:
 * https://docs.litellm.ai/docs/proxy/cursor, and gabrii/Cursor-Azure-GPT-5#69; read 2026-11.
 */
export class ChatByInput extends ResponsesRequest {
  /** @throws {LoomError} `invalid_request` for what a chat has no word for, too */
  constructor(raw: Buffer, json: unknown) {
    super(raw, readAs(ChatFields, json))
    const { input } = this.body
    const reference = Array.isArray(input) ? input.findIndex(isReference) : -1
    const kept = reference >= 0 ? `input.${reference}` : keptFields.find(field => this.body[field])
    if (kept) throw new LoomError('invalid_request', `"${kept}": a chat keeps nothing that another could go on from. Send the conversation itself, or call POST /v1/responses.`, { param: kept })
    const billed = findBilledByUse({ ...this.body, tools: toolsIn(this.body) }, ownTools)
    if (billed) throw new LoomError('invalid_request', `${billed} is not offered by chat completions. Leave it out, or call POST /v1/responses.`)
  }

  /** Whatever it names by an id is refused. */
  override prepare() {
    return Promise.resolve()
  }

  override send(target: Target, transport: Transport, signal: AbortSignal) {
    const { chat, tools } = responsesToChat(this.chatBody, target)
    return sendOverChat(target, this.stream, { body: chat, toAnswer: completion => withOwnCalls(completion, tools), toEvents: () => new OwnCalls(tools) }, transport, signal)
  }

  override readAnswer(body: Buffer) {
    return readChat(body)
  }

  override tap() {
    return new ChatTap(fieldOf(this.body.stream_options, 'include_usage') === true)
  }

  protected override nativeOf() {
    return undefined
  }

  /** Cursor tells earlier calls of its custom tools as it was told them: as functions, whose arguments are the text. The tool itself may be told no more. */
  protected override get chatBody(): ResponsesBody {
    const body = super.chatBody
    const custom = new Set(toolsIn(body).filter(tool => fieldOf(tool, 'type') === 'custom').map(tool => fieldOf(tool, 'name')))
    if (!Array.isArray(body.input)) return body
    return { ...body, input: body.input.map((item) => {
      const { type, name, arguments: written } = item
      const isCustom = type === 'function_call' && typeof written === 'string' && (custom.has(name) || !areToolArguments(written))
      return isCustom ? { ...item, type: 'custom_tool_call', input: unwrapInput(written) } : item
    }) }
  }
}

const Call = z.looseObject({ function: z.looseObject({ name: z.string(), arguments: z.string().nullish() }) })
type Call = z.infer<typeof Call>
const Message = z.looseObject({ tool_calls: z.array(Call).max(MAX_PARTS).nullish() })
const Completion = z.looseObject({ choices: z.array(z.looseObject({ message: Message.nullish() })).min(1).max(MAX_CHOICES) })

/**
 * A completion whose calls name the caller's tools as the caller does. One of a custom tool is a function's, with the text for arguments: Cursor knows no other
 * form of a call. Source: icebear0828/codex-proxy#707 and #708, read 2026-11.
 */
function withOwnCalls(completion: unknown, tools: ToolsAsFunctions): object {
  const { choices, ...rest } = Completion.parse(completion)
  return { ...rest, choices: choices.map(({ message, ...choice }) => ({ ...choice, message: message && { ...message, tool_calls: message.tool_calls?.map(call => asOwn(call, tools)) } })) }
}

function asOwn({ function: called, ...call }: Call, tools: ToolsAsFunctions): Call {
  const { name, arguments: written } = called
  return { ...call, function: { ...called, name: ownName(name, tools), arguments: tools.calledBy(name).type === 'custom' ? unwrapInput(written ?? '') : written } }
}

/** Of a tool in a namespace a chat has no other name than its function's. */
function ownName(name: string, tools: ToolsAsFunctions): string {
  const tool = tools.calledBy(name)
  return tool.namespace ? name : tool.name
}

/** The same of a completion in chunks. What is left of a text shows at the very end, so the reason of that waits for it: some servers tell it early, again, or not at all. */
class OwnCalls extends ChatEvents {
  /** The text of each call that is being written, by its index; undefined for what is no custom tool. */
  private readonly inputs = new Map<number, CustomInput | undefined>()
  private head: object = {}

  constructor(private readonly tools: ToolsAsFunctions) {
    super()
  }

  protected translate(chunk: ChatChunk): string {
    const { choices, usage: _usage, ...head } = chunk
    this.head = head
    return event({ ...chunk, choices: choices.map(({ delta, ...choice }) => {
      const calls = delta?.tool_calls?.map(call => this.own(call))
      return { ...choice, delta: calls ? { ...delta, tool_calls: calls } : delta, ...([...this.inputs.values()].some(Boolean) && { finish_reason: null }) }
    }) })
  }

  protected finish(): string {
    const rests = [...this.inputs].flatMap(([index, input]) => input ? [{ index, function: { arguments: input.end() } }] : [])
    const last = rests.length > 0 ? event({ ...this.head, choices: [{ index: 0, delta: { tool_calls: rests }, finish_reason: this.finishReason ?? null }] }) : ''
    return `${last}data: [DONE]\n\n`
  }

  protected failure(message: string): string {
    return event(toOpenAiError(new ToldFailure(message)))
  }

  private own(call: ToolCallDelta): ToolCallDelta {
    const { index, function: called } = call
    if (!called) return call
    const name = called.name ? ownName(called.name, this.tools) : called.name
    if (!this.inputs.has(index)) this.inputs.set(index, this.tools.calledBy(called.name ?? '').type === 'custom' ? new CustomInput() : undefined)
    const input = this.inputs.get(index)
    return { ...call, function: { ...called, name, arguments: input ? input.read(called.arguments ?? '') : called.arguments } }
  }
}

function event(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`
}
