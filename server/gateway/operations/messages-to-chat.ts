import { z } from 'zod'
import type { Target } from '../../catalog/target'
import { LoomError } from '../../errors'
import { effortOf } from '../providers/anthropic-model'
import { encodeBody } from '../providers/encode-body'
import { shortCallId } from '../providers/tool-use-id'
import { shortUserId } from '../providers/user-id'
import { listOf } from '../list-of'
import { readAs } from '../read-as'
import { withoutBillingLine } from './billing-line'
import { wantsThoughts } from './earlier-thoughts'
import { atMost, extraContent, maxTokensField, requireStops, takesEffort, takesSignatures } from './over-chat'
import { fitsStrictMode } from './strict-schema'
import { shortToolName } from './tool-names'

const Source = z.discriminatedUnion('type', [
  z.object({ type: z.literal('base64'), media_type: z.string(), data: z.string() }),
  z.object({ type: z.literal('url'), url: z.string() }),
  z.object({ type: z.literal('text'), data: z.string() })
])
const TextBlock = z.object({ type: z.literal('text'), text: z.string() })
const ImageBlock = z.object({ type: z.literal('image'), source: Source })
const DocumentBlock = z.object({ type: z.literal('document'), source: Source, title: z.string().nullish() })
/** What Claude Code's own search for tools has found: all of them are sent anyway. */
const ToolReference = z.object({ type: z.literal('tool_reference'), tool_name: z.string() }).transform(({ tool_name: name }) => ({ type: 'text' as const, text: `Tool available: ${shortToolName(name)}` }))
const SearchResult = z.object({ type: z.literal('search_result'), title: z.string(), source: z.string(), content: listOf(TextBlock) })
  .transform(({ title, source, content }) => ({ type: 'text' as const, text: [title, source, ...content.map(({ text }) => text)].join('\n') }))
const ResultBlock = z.discriminatedUnion('type', [TextBlock, ImageBlock, DocumentBlock, ToolReference, SearchResult])
/** Of a conversation's tools as they came and went: those of the call are told with it. */
const SystemBlock = z.discriminatedUnion('type', [TextBlock, z.object({ type: z.enum(['tool_addition', 'tool_removal']) }).transform(() => ({ type: 'text' as const, text: '' }))])
const UserBlock = z.discriminatedUnion('type', [
  TextBlock,
  ImageBlock,
  DocumentBlock,
  SearchResult,
  z.object({ type: z.literal('tool_result'), tool_use_id: z.string(), content: z.union([z.string(), listOf(ResultBlock)]).optional(), is_error: z.boolean().nullish() })
])
/** What Anthropic ran in earlier turns, and found: what the model made of it stands in its words. */
const ranByAnthropic = [
  'server_tool_use', 'web_search_tool_result', 'web_fetch_tool_result', 'code_execution_tool_result', 'bash_code_execution_tool_result', 'text_editor_code_execution_tool_result', 'tool_search_tool_result',
  'mcp_tool_use', 'mcp_tool_result'
] as const
const AssistantBlock = z.discriminatedUnion('type', [
  TextBlock,
  z.object({ type: z.literal('tool_use'), id: z.string(), name: z.string(), input: z.record(z.string(), z.unknown()), extra_content: z.unknown().optional() }),
  z.object({ type: z.enum(ranByAnthropic) }),
  // Signed by Anthropic for Anthropic: nobody else can read on from it. What nobody signed, another model thought.
  z.object({ type: z.enum(['thinking', 'redacted_thinking']), thinking: z.string().optional().catch(undefined), signature: z.string().optional().catch(undefined) })
])

const Format = z.object({ type: z.literal('json_schema'), schema: z.record(z.string(), z.unknown()) }).nullish()

const Messages = z.object({
  max_tokens: z.int().positive(),
  system: z.union([z.string(), listOf(TextBlock)]).nullish(),
  messages: listOf(z.discriminatedUnion('role', [
    z.object({ role: z.literal('user'), content: z.union([z.string(), listOf(UserBlock)]) }),
    z.object({ role: z.literal('assistant'), content: z.union([z.string(), listOf(AssistantBlock)]) }),
    z.object({ role: z.literal('system'), content: z.union([z.string(), listOf(SystemBlock)]) })
  ]), 1),
  tools: listOf(z.object({
    type: z.literal('custom', 'is run by Anthropic, and this model is not Anthropic\'s').nullish(),
    name: z.string(),
    description: z.string().optional(),
    input_schema: z.record(z.string(), z.unknown()),
    strict: z.boolean().nullish()
  })).nullish(),
  tool_choice: z.object({ type: z.enum(['auto', 'any', 'tool', 'none']), name: z.string().optional(), disable_parallel_tool_use: z.boolean().optional() }).nullish(),
  mcp_servers: listOf(z.never('are called by Anthropic, and this model is not Anthropic\'s')).nullish(),
  thread: z.unknown().optional(),
  stop_sequences: listOf(z.string()).nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  thinking: z.looseObject({ type: z.string(), budget_tokens: z.number().optional() }).nullish(),
  output_config: z.looseObject({
    effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).optional().catch(undefined),
    format: Format
  }).nullish(),
  /** Its name before it moved into `output_config`. */
  output_format: Format,
  metadata: z.looseObject({ user_id: z.string().nullish() }).nullish()
})
type Messages = z.infer<typeof Messages>
type UserBlock = z.infer<typeof UserBlock>
type AssistantBlock = z.infer<typeof AssistantBlock>

/**
 * The chat-completions body that asks the same. Without counterpart, and left out: `top_k`, `cache_control`,
 * `service_tier`, `context_management`, and the thinking of earlier turns, but where a model wants its own back.
 * @throws {LoomError} `invalid_request` where leaving something out would change what the caller gets
 */
export function messagesToChat(body: unknown, target: Target): Record<string, unknown> {
  const request = readAs(Messages, body)
  if (request.thread) throw threadUnsupported()
  const { stop_sequences: stop, temperature, top_p: topP, metadata } = request
  requireStops(target, stop ?? [], 'stop_sequences')
  return {
    messages: [...systemMessage(request.system), ...request.messages.flatMap((message, index) => toMessages(message, index, target))],
    // The format forces every caller to name one, and they name what Claude writes.
    [maxTokensField(target)]: atMost(request.max_tokens, target),
    ...(stop?.length && { stop }),
    ...(typeof temperature === 'number' && { temperature }),
    ...(typeof topP === 'number' && { top_p: topP }),
    ...toolFields(request),
    ...formatField(request),
    ...(takesEffort(target) && effortField(request)),
    ...(metadata?.user_id && { user: shortUserId(metadata.user_id) })
  }
}

/** Only the newest messages of a thread come with a call. By the details, as Anthropic words them, its SDK's tool runner goes on without one and sends all. */
function threadUnsupported(): LoomError {
  return new LoomError('invalid_request', 'thread: is kept by Anthropic, and this model is not Anthropic\'s. Send the whole conversation instead.', {
    param: 'thread', details: { error_code: 'thread_unsupported_request', unsupported: ['model'] }
  })
}

function toMessages(message: Messages['messages'][number], index: number, target: Target): object[] {
  if (message.role === 'user') return userMessages(message.content, index)
  return message.role === 'assistant' ? assistantMessage(message.content, target) : systemMessage(message.content)
}

function systemMessage(system: Messages['system']): object[] {
  const texts = typeof system === 'string' ? [system] : system?.map(({ text }) => text) ?? []
  const content = texts.map(withoutBillingLine).filter(text => text !== '').join('\n')
  return content ? [{ role: 'system', content }] : []
}

/** Results of tools are messages of their own and stand first, right after the calls they answer; images among them follow as the user's, for a tool's message takes text alone. */
function userMessages(content: string | UserBlock[], index: number): object[] {
  if (typeof content === 'string') return [{ role: 'user', content }]
  const results: object[] = []
  const parts: object[] = []
  for (const [position, block] of content.entries()) {
    if (block.type !== 'tool_result') {
      parts.push(toPart(block, `messages.${index}.content.${position}`))
      continue
    }
    const blocks = typeof block.content === 'string' ? [{ type: 'text' as const, text: block.content }] : block.content ?? []
    const text = blocks.flatMap(inner => inner.type === 'text' ? inner.text : []).join('\n')
    // A tool's message has no field for it.
    results.push({ role: 'tool', tool_call_id: shortCallId(block.tool_use_id), content: block.is_error ? `Error: ${text}` : text })
    parts.push(...blocks.flatMap(inner => inner.type === 'text' ? [] : [toPart(inner, `messages.${index}.content.${position}.content`)]))
  }
  return parts.length > 0 ? [...results, { role: 'user', content: parts }] : results
}

function toPart(block: z.infer<typeof ResultBlock>, param: string): object {
  if (block.type === 'text') return { type: 'text', text: block.text }
  const { source } = block
  if (source.type === 'text') return { type: 'text', text: source.data }
  const url = source.type === 'url' ? source.url : `data:${source.media_type};base64,${source.data}`
  if (block.type === 'image') return { type: 'image_url', image_url: { url } }
  if (source.type === 'base64') return { type: 'file', file: { filename: block.title ?? 'document.pdf', file_data: url } }
  throw new LoomError('invalid_request', `${param}: this model takes documents as base64 or text only, not by URL.`, { param })
}

function assistantMessage(content: string | AssistantBlock[], target: Target): object[] {
  if (typeof content === 'string') return [{ role: 'assistant', content }]
  const text = content.flatMap(block => block.type === 'text' ? block.text : []).join('')
  const calls = content.flatMap(block => block.type === 'tool_use' ? [{ id: shortCallId(block.id), type: 'function', function: { name: shortToolName(block.name), arguments: encodeBody(block.input) }, ...(takesSignatures(target) && extraContent(block.extra_content)) }] : [])
  const thought = wantsThoughts(target) ? content.flatMap(block => block.type === 'thinking' && !block.signature ? block.thinking ?? [] : []).join('') : ''
  return text || calls.length > 0 ? [{ role: 'assistant', content: text || null, ...(thought && { reasoning_content: thought }), ...(calls.length > 0 && { tool_calls: calls }) }] : []
}

function toolFields({ tools, tool_choice: choice }: Messages): Record<string, unknown> {
  if (!tools?.length) return {}
  const names = { auto: 'auto', any: 'required', none: 'none' } as const
  return {
    tools: tools.map(({ name, description, input_schema: parameters, strict }) => ({ type: 'function', function: { name: shortToolName(name), ...(description && { description }), parameters, ...(strict && strictField(parameters)) } })),
    ...(choice && { tool_choice: choice.type === 'tool' ? { type: 'function', function: { name: choice.name && shortToolName(choice.name) } } : names[choice.type] }),
    ...(choice?.disable_parallel_tool_use && { parallel_tool_calls: false })
  }
}

function formatField({ output_config: config, output_format: older }: Messages): Record<string, unknown> {
  const schema = (config?.format ?? older)?.schema
  return schema ? { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, ...strictField(schema) } } } : {}
}

/** Anthropic holds a model to schemas that OpenAI's strict mode refuses: such a one is what the model is asked for, not held to. */
function strictField(schema: unknown): { strict?: true } {
  return fitsStrictMode(schema) ? { strict: true } : {}
}

/** Shares of thinking as OpenAI names them; a budget counts by its size. */
function effortField({ thinking, output_config: config }: Messages): Record<string, unknown> {
  if (config?.effort) return { reasoning_effort: config.effort === 'max' || config.effort === 'xhigh' ? 'high' : config.effort }
  if (thinking?.type !== 'enabled' || thinking.budget_tokens === undefined) return {}
  return { reasoning_effort: effortOf(thinking.budget_tokens) }
}
