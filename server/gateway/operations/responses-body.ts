import { z } from 'zod'
import { LoomError } from '../../errors'
import { boundSound, TOKENS_PER_MEDIUM } from '../estimate-cost'
import type { CallMeasure } from '../estimate-cost'
import { listOf } from '../list-of'
import type { Medium, Prompt } from './count-prompt'
import { ModelName } from './model-name'
import { findPacked } from './packed-file'
import { findBilledByUse } from './unpriced'

/**
 * What the road must understand of a Responses body. Everything else is passed on as it came.
 * Source: the OpenAI API reference, "Create a model response".
 */
export const ResponsesBody = z.looseObject({
  model: ModelName,
  input: z.union([z.string(), listOf(z.looseObject({ type: z.string().nullish() }))]).nullish(),
  instructions: z.unknown().optional(),
  stream: z.boolean().nullish(),
  max_output_tokens: z.int().positive().nullish(),
  background: z.boolean().nullish(),
  previous_response_id: z.string().nullish(),
  store: z.unknown().optional(),
  conversation: z.unknown().optional(),
  prompt: z.unknown().optional(),
  tools: listOf(z.looseObject({ type: z.string() })).nullish()
})
export type ResponsesBody = z.infer<typeof ResponsesBody>

/** Tools that the caller runs itself, `tool_search` where it says so; all others run at the provider, which bills them by use. */
export const ownTools: ReadonlySet<string> = new Set(['function', 'custom', 'namespace', 'computer', 'computer_use_preview', 'local_shell', 'apply_patch', 'tool_search'])

/** Items that bring tools along. */
const toolItems: ReadonlySet<unknown> = new Set(['additional_tools', 'tool_search_output'])

/** All tools that the model may call: those of the request, and of its items. */
export function toolsIn({ tools, input }: ResponsesBody): unknown[] {
  const brought = Array.isArray(input) ? input.filter(({ type }) => toolItems.has(type)).map(item => item.tools) : []
  return [tools, ...brought].flatMap((list): unknown[] => Array.isArray(list) ? list : [])
}

/** @throws {LoomError} `invalid_request` for an answer that could only be fetched later, where nothing serves it */
export function requireForeground({ background }: ResponsesBody): void {
  if (background) throw new LoomError('invalid_request', 'Answers in the background are not offered here: an answer ends with its call. Leave "background" out, and stream.', { param: 'background' })
}

const Part = z.looseObject({
  type: z.string(),
  image_url: z.string().nullish(),
  file_id: z.string().nullish(),
  file_url: z.string().nullish(),
  file_data: z.string().nullish(),
  input_audio: z.looseObject({ data: z.string() }).optional().catch(undefined)
})
type Part = z.infer<typeof Part>
const Item = z.looseObject({ content: z.unknown().optional(), output: z.unknown().optional(), result: z.unknown().optional() })
const Items = z.array(Item)
/** What a tool that looks at a screen gives back is one, too. */
const imageTypes: ReadonlySet<string> = new Set(['input_image', 'computer_screenshot'])

function itemsOf({ input }: ResponsesBody): z.infer<typeof Item>[] {
  return Items.safeParse(input).data ?? []
}

function partsOf(body: ResponsesBody): Part[] {
  return itemsOf(body).flatMap(({ content, output }) => [content, output]).flat().flatMap(part => Part.safeParse(part).data ?? [])
}

/** The sound that a part is. */
function soundIn({ type, input_audio: sound }: Part): string | undefined {
  return type === 'input_audio' ? sound?.data : undefined
}

/** What the bounds of a call hang on, but for the length of its answer. The data of images and sounds is not priced by the byte; a file's is, for it may be text. */
export function measureResponses(body: ResponsesBody, bodyBytes: number): Omit<CallMeasure, 'maxOutputTokens'> {
  const parts = partsOf(body)
  const images = parts.flatMap(part => imageTypes.has(part.type) ? part.image_url ?? '' : [])
  const sounds = parts.flatMap(part => soundIn(part) ?? [])
  return {
    bodyBytes,
    mediaTokens: sounds.reduce((sum, data) => sum + boundSound(data), images.length * TOKENS_PER_MEDIUM),
    mediaBytes: [...images, ...sounds].reduce((sum, data) => sum + data.length, 0),
    answers: 1,
    ...readsBeside(body, parts),
    packed: findPacked(parts.flatMap(({ file_data: data }) => data || []))
  }
}

/** Whether an item only names another, by its id: its type may be left out, as that of a message may. */
export function isReference(item: Readonly<Record<string, unknown>>): boolean {
  return (item.type ?? ('role' in item ? 'message' : 'item_reference')) === 'item_reference'
}

/** An earlier answer, a file or what a tool finds is in no body. An answer and a file that are kept stay as they are; a conversation grows, and what an address leads to may change. */
function readsBeside(body: ResponsesBody, parts: readonly Part[]): Pick<CallMeasure, 'readsMore' | 'isKept'> {
  const files = parts.filter(({ type }) => !imageTypes.has(type))
  const readsKept = Boolean(body.previous_response_id) || itemsOf(body).some(isReference) || files.some(({ file_id: id }) => id)
  const readsOther = Boolean(body.conversation ?? body.prompt) || files.some(({ file_url: url }) => url) || findBilledByUse({ ...body, tools: toolsIn(body) }, ownTools) !== undefined
  return { readsMore: readsKept || readsOther, isKept: !readsOther }
}

/** The body without the data of its images, sounds and files, and those. */
export function takeMedia(body: ResponsesBody): Prompt {
  const media: Medium[] = []
  const take = (item: unknown) => {
    const part = Part.safeParse(item).data
    if (part && imageTypes.has(part.type)) {
      media.push({ kind: 'image', data: part.image_url ?? '' })
      return { ...part, image_url: undefined }
    }
    const sound = part && soundIn(part)
    if (sound !== undefined) {
      media.push({ kind: 'sound', data: sound })
      return { ...part, input_audio: { ...part?.input_audio, data: undefined } }
    }
    if (part?.type !== 'input_file' || !part.file_data) return item
    media.push({ kind: 'file', data: part.file_data })
    return { ...part, file_data: undefined }
  }
  const strip = (parts: unknown) => Array.isArray(parts) ? parts.map(take) : take(parts)
  // A picture that a tool of the provider's has drawn.
  const result = (item: z.infer<typeof Item>) => {
    if (item.type !== 'image_generation_call' || typeof item.result !== 'string') return item.result
    media.push({ kind: 'image', data: item.result })
  }
  const input = Array.isArray(body.input) ? itemsOf(body).map(item => ({ ...item, content: strip(item.content), output: strip(item.output), result: result(item) })) : body.input
  return { rest: { ...body, input }, media }
}
