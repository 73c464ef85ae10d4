import { z } from 'zod'
import type { Target } from '../../catalog/target'
import { LoomError } from '../../errors'
import { listOf } from '../list-of'
import { shortCallId } from '../providers/tool-use-id'
import { readAs } from '../read-as'
import { wantsThoughts } from './earlier-thoughts'
import { atMost, extraContent, maxTokensField, takesEffort, takesSignatures } from './over-chat'
import { wrapInput } from './custom-input'
import { OwnTool, ToolsAsFunctions } from './tools-as-functions'
import { unaskedServices } from './unpriced'

const InputPart = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['input_text', 'output_text', 'text']), text: z.string() }),
  z.object({ type: z.literal('refusal'), refusal: z.string() }),
  z.object({ type: z.literal('input_image'), image_url: z.string('must be a URL here, not a file of OpenAI\'s'), detail: z.string().nullish() }),
  z.object({ type: z.literal('input_file'), file_data: z.string('must be given here: this model cannot fetch files'), filename: z.string().nullish() })
])
type InputPart = z.infer<typeof InputPart>
const Content = z.union([z.string(), listOf(InputPart)])

const Item = z.discriminatedUnion('type', [
  z.object({ type: z.literal('message'), role: z.enum(['user', 'assistant', 'system', 'developer']), content: Content }),
  z.object({ type: z.literal('function_call'), call_id: z.string(), name: z.string(), namespace: z.string().nullish(), arguments: z.string(), extra_content: z.unknown().optional() }),
  z.object({ type: z.literal('custom_tool_call'), call_id: z.string(), name: z.string(), namespace: z.string().nullish(), input: z.string(), extra_content: z.unknown().optional() }),
  z.object({ type: z.enum(['function_call_output', 'custom_tool_call_output']), call_id: z.string(), output: Content }),
  // Of a conversation's tools as they came: those of the call are told with it.
  z.object({ type: z.literal('additional_tools'), tools: listOf(OwnTool) }),
  // What OpenAI searched in earlier turns: what the model made of it stands in its words.
  z.object({ type: z.literal('web_search_call') }),
  // Sealed by OpenAI for OpenAI: nobody else can read on from it. What nobody sealed, another model thought.
  z.object({ type: z.literal('reasoning'), summary: listOf(z.object({ text: z.string() })).optional().catch(undefined), encrypted_content: z.unknown().optional() }),
  z.object({ type: z.literal('item_reference'), id: z.string().startsWith('rs_', 'names what OpenAI keeps, which this model cannot read: send the item itself') })
])
type Item = z.infer<typeof Item>

/** Items that are messages here, or parts of them; results of tools stand before what these begin. */
const speaking: ReadonlySet<Item['type']> = new Set(['message', 'function_call', 'custom_tool_call'])

const untyped = z.preprocess(item => typeof item === 'object' && item !== null && !('type' in item) ? { ...item, type: 'message' } : item, Item)
const never = (field: string) => z.union([z.null(), z.literal(false)], `"${field}" needs a provider with the Responses API, and this model's has none`).optional()

const Responses = z.object({
  input: z.union([z.string(), listOf(untyped, 1)]),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().positive().nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  tools: listOf(OwnTool).nullish(),
  tool_choice: z.union([z.enum(['auto', 'none', 'required']), z.object({ type: z.enum(['function', 'custom']), name: z.string() })]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  text: z.object({
    format: z.discriminatedUnion('type', [
      z.object({ type: z.literal('text') }),
      z.object({ type: z.literal('json_object') }),
      z.object({ type: z.literal('json_schema'), name: z.string().default('answer'), schema: z.record(z.string(), z.unknown()), strict: z.boolean().nullish(), description: z.string().nullish() })
    ]).nullish()
  }).nullish(),
  reasoning: z.object({ effort: z.string().nullish() }).nullish(),
  user: z.string().nullish(),
  top_logprobs: z.literal(0, 'is not offered by this model\'s provider').nullish(),
  previous_response_id: never('previous_response_id'),
  conversation: never('conversation'),
  prompt: never('prompt'),
  store: z.boolean().nullish(),
  ...unaskedServices
})
type Responses = z.infer<typeof Responses>

/**
 * The chat-completions body that asks the same, and what its functions are of the caller's tools. Without counterpart, and left out: `include`, `metadata`, `truncation`,
 * `service_tier`, `prompt_cache_key`, `text.verbosity`, and the reasoning of earlier turns, but where a model wants its own back.
 * @throws {LoomError} `invalid_request` for what needs answers kept at the provider or tools it runs, and wherever else leaving something out would change what the caller gets
 */
export function responsesToChat(body: unknown, target: Target): { chat: Record<string, unknown>, tools: ToolsAsFunctions } {
  const request = readAs(Responses, body)
  const { max_output_tokens: maxTokens, temperature, top_p: topP, reasoning, user } = request
  const tools = new ToolsAsFunctions(toolsOf(request))
  const chat = {
    messages: [...[request.instructions, tools.notes].flatMap(content => content ? [{ role: 'system', content }] : []), ...toMessages(request.input, target, tools)],
    ...(maxTokens && { [maxTokensField(target)]: atMost(maxTokens, target) }),
    ...(typeof temperature === 'number' && { temperature }),
    ...(typeof topP === 'number' && { top_p: topP }),
    ...toolFields(request, tools),
    ...formatField(request),
    ...(reasoning?.effort && takesEffort(target) && { reasoning_effort: reasoning.effort }),
    ...(user && { user })
  }
  return { chat, tools }
}

function toolsOf({ tools, input }: Responses): OwnTool[] {
  return [...tools ?? [], ...typeof input === 'string' ? [] : input.flatMap(item => item.type === 'additional_tools' ? item.tools : [])]
}

interface ToolCall { id: string, type: 'function', function: { name: string, arguments: string }, extra_content?: unknown }
interface Message { role: string, content: unknown, reasoning_content?: string, tool_calls?: ToolCall[], tool_call_id?: string }

function toMessages(input: string | Item[], target: Target, tools: ToolsAsFunctions): Message[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }]
  const [signed, thinks] = [takesSignatures(target), wantsThoughts(target)]
  const messages: Message[] = []
  /** What was thought before the message to come. */
  let thought = ''
  const think = (message: Message) => {
    if (thought) message.reasoning_content = (message.reasoning_content ?? '') + thought
    thought = ''
  }
  const push = (message: Message) => {
    if (message.role === 'assistant') think(message)
    thought = ''
    messages.push(message)
  }
  // Of tools: all their results follow their calls, as text alone, and what they show comes after as the user's.
  const shown: object[] = []
  const show = () => {
    if (shown.length > 0) messages.push({ role: 'user', content: shown.splice(0) })
  }
  for (const [index, item] of input.entries()) {
    if (speaking.has(item.type)) show()
    const previous = messages.at(-1)
    switch (item.type) {
      case 'message': {
        const content = item.role === 'user' ? partsOf(item.content) : textOf(item.content, `input.${index}.content`)
        // Between calls and their results no message may stand: what the model said there belongs to the calls.
        if (item.role === 'assistant' && previous?.tool_calls) {
          previous.content = [previous.content, content].filter(Boolean).join('\n')
          think(previous)
        } else push({ role: item.role === 'developer' ? 'system' : item.role, content })
        break
      }
      case 'function_call':
      case 'custom_tool_call': {
        const written = item.type === 'custom_tool_call' ? wrapInput(item.input) : item.arguments
        const call: ToolCall = { id: shortCallId(item.call_id), type: 'function', function: { name: tools.nameOf(item), arguments: written }, ...(signed && extraContent(item.extra_content)) }
        // A turn's words and calls are items of their own there, and one message here.
        if (previous?.role === 'assistant') {
          (previous.tool_calls ??= []).push(call)
          think(previous)
        } else push({ role: 'assistant', content: null, tool_calls: [call] })
        break
      }
      case 'function_call_output':
      case 'custom_tool_call_output':
        push({ role: 'tool', tool_call_id: shortCallId(item.call_id), content: typeof item.output === 'string' ? item.output : item.output.map(writtenIn).join('') })
        if (typeof item.output !== 'string') shown.push(...item.output.filter(part => writtenIn(part) === undefined).map(toPart))
        break
      case 'reasoning':
        if (thinks && !item.encrypted_content) thought += (item.summary ?? []).map(({ text }) => text).join('')
        break
    }
  }
  show()
  return messages
}

function partsOf(content: z.infer<typeof Content>): unknown {
  return typeof content === 'string' ? content : content.map(toPart)
}

function toPart(part: InputPart): object {
  if (part.type === 'input_image') return { type: 'image_url', image_url: { url: part.image_url, ...(part.detail && { detail: part.detail }) } }
  if (part.type === 'input_file') return { type: 'file', file: { filename: part.filename ?? 'file', file_data: part.file_data } }
  return { type: 'text', text: writtenIn(part) }
}

/** Undefined for what shows a picture or a file. */
function writtenIn(part: InputPart): string | undefined {
  if (part.type === 'refusal') return part.refusal
  return 'text' in part ? part.text : undefined
}

/** @throws {LoomError} `invalid_request` where anything but text stands, which only the user's messages and tools may show */
function textOf(content: z.infer<typeof Content>, param: string): string {
  if (typeof content === 'string') return content
  return content.map((part) => {
    const text = writtenIn(part)
    if (text === undefined) throw new LoomError('invalid_request', `${param}: this model takes images and files in messages of the user, and in what tools give back, only.`, { param })
    return text
  }).join('')
}

function toolFields({ tool_choice: choice, parallel_tool_calls: parallel }: Responses, tools: ToolsAsFunctions): Record<string, unknown> {
  if (tools.functions.length === 0) return {}
  return {
    tools: tools.functions,
    ...(choice && { tool_choice: typeof choice === 'string' ? choice : { type: 'function', function: { name: tools.nameOf(choice) } } }),
    ...(typeof parallel === 'boolean' && { parallel_tool_calls: parallel })
  }
}

function formatField({ text }: Responses): Record<string, unknown> {
  const format = text?.format
  if (!format || format.type === 'text') return {}
  if (format.type === 'json_object') return { response_format: { type: 'json_object' } }
  const { name, schema, strict, description } = format
  return { response_format: { type: 'json_schema', json_schema: { name, schema, ...(typeof strict === 'boolean' && { strict }), ...(description && { description }) } } }
}
