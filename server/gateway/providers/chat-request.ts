import { z } from 'zod'
import { unaskedServices } from '../operations/unpriced'
import { listOf } from '../list-of'
import { readAs } from '../read-as'
import { readDataUrl } from './data-url'

const unknownPart = 'is a part that this model cannot take here'

/** The Responses API's words for it are taken, too. */
const TextPart = z.looseObject({ type: z.enum(['text', 'input_text', 'output_text']).transform(() => 'text' as const), text: z.string() })
const Text = z.union([z.string(), listOf(z.discriminatedUnion('type', [TextPart], unknownPart))])

const ImagePart = z.looseObject({ type: z.literal('image_url'), image_url: z.object({ url: z.string(), detail: z.string().nullish() }) })
const ContentPart = z.discriminatedUnion('type', [
  TextPart,
  ImagePart,
  z.looseObject({ type: z.literal('file'), file: z.object({ file_data: z.string().optional(), filename: z.string().optional() }) })
], unknownPart)
const Content = z.union([z.string(), listOf(ContentPart)])

/** Anthropic's mark of how far a prompt is to be cached, for callers who know whom they call. */
const cacheMark = { cache_control: z.unknown().optional() }

const ToolCall = z.object({
  ...cacheMark,
  id: z.string(),
  type: z.literal('function').default('function'),
  function: z.object({ name: z.string(), arguments: z.string().default('') }),
  /** Google's: what its model needs to go on from the thought that led to the call. */
  extra_content: z.object({ google: z.object({ thought_signature: z.string().nullish() }).nullish() }).nullish()
})

/** What a model wrote in place of an answer is text of its own. */
const Refusal = z.object({ type: z.literal('refusal'), refusal: z.string() }).transform(({ refusal }) => ({ type: 'text' as const, text: refusal }))
/** What one model thought, no other reads on from. */
const Thought = z.object({ type: z.enum(['thinking', 'redacted_thinking', 'reasoning']) }).transform(() => ({ type: 'text' as const, text: '' }))

/** Kinds of pictures that every provider takes which takes any. */
const drawable: ReadonlySet<string | undefined> = new Set(['image/png', 'image/jpeg', 'image/webp'])
/** A picture that a model drew, as we tell it: a data URL. Whatever else stands there is left out, as what a model thought is. */
const Drawn = z.unknown().transform((image) => {
  const { data } = ImagePart.safeParse(image)
  return data && drawable.has(readDataUrl(data.image_url.url)?.mediaType) ? [data] : []
})

const AssistantMessage = z.object({
  role: z.literal('assistant'),
  content: z.union([z.string(), listOf(z.discriminatedUnion('type', [TextPart, Refusal, Thought], unknownPart))]).nullish(),
  refusal: z.string().nullish(),
  audio: z.null('is kept at OpenAI, where this provider cannot hear it').optional(),
  images: z.array(Drawn).transform(images => images.flat()).nullish().catch(undefined),
  tool_calls: listOf(ToolCall).nullish()
}).transform(({ refusal, audio: _audio, content, ...message }) => {
  if (!refusal) return { ...message, content }
  const parts = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content ?? []
  return { ...message, content: [...parts, { type: 'text' as const, text: refusal }] }
})

const Message = z.discriminatedUnion('role', [
  z.object({ role: z.enum(['system', 'developer']), content: Text }),
  z.object({ role: z.literal('user'), content: Content }),
  AssistantMessage,
  z.object({ ...cacheMark, role: z.literal('tool'), content: Content, tool_call_id: z.string() })
])

const Tool = z.looseObject({
  type: z.literal('function'),
  function: z.object({ name: z.string(), description: z.string().optional(), parameters: z.record(z.string(), z.unknown()).optional(), strict: z.boolean().nullish().catch(undefined) })
})

const ResponseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({ type: z.literal('json_schema'), json_schema: z.object({ schema: z.record(z.string(), z.unknown()).default({}), name: z.string().nullish().catch(undefined), description: z.string().nullish().catch(undefined), strict: z.boolean().nullish().catch(undefined) }) })
])

/** What a kind that does not pass the body through understands of it. Fields not named here have no counterpart and are left out. */
const ChatRequest = z.object({
  messages: listOf(Message, 1),
  tools: listOf(Tool).nullish(),
  tool_choice: z.union([z.enum(['auto', 'none', 'required']), z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) })]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
  max_tokens: z.int().positive().nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  n: z.literal(1, 'only one choice per call is offered by this provider').nullish(),
  logprobs: z.literal(false, 'is not offered by this provider').nullish(),
  modalities: listOf(z.string().refine(modality => modality !== 'audio', 'sound is not offered by this provider')).nullish(),
  audio: z.null('sound is not offered by this provider').optional(),
  ...unaskedServices,
  functions: z.undefined('is replaced by `tools`').optional(),
  response_format: ResponseFormat.nullish(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']).nullish(),
  user: z.string().nullish(),
  /** Anthropic's own, for callers who know whom they call. */
  thinking: z.looseObject({ type: z.string() }).nullish(),
  top_k: z.int().positive().nullish(),
  ...cacheMark,
  seed: z.int().nullish()
})

export type ChatRequest = z.infer<typeof ChatRequest>
export type ChatMessage = ChatRequest['messages'][number]
export type ContentPart = z.infer<typeof ContentPart>
export type ChatTool = z.infer<typeof Tool>

/** @throws {LoomError} `invalid_request` naming the field that this kind cannot take */
export function readChatRequest(body: Readonly<Record<string, unknown>>): ChatRequest {
  return readAs(ChatRequest, body)
}

/** The text of a message's content, its other parts left out. */
export function contentText(content: string | readonly ContentPart[] | null | undefined): string {
  if (typeof content === 'string') return content
  return (content ?? []).flatMap(part => part.type === 'text' && part.text ? part.text : []).join('\n')
}

/** The most tokens the caller lets the model write, if they said. */
export function requestedMaxTokens(request: ChatRequest): number | undefined {
  return request.max_completion_tokens ?? request.max_tokens ?? undefined
}

export function stopSequences({ stop }: ChatRequest): string[] {
  return typeof stop === 'string' ? [stop] : stop ?? []
}
