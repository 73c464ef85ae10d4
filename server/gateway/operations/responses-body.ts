import { z } from 'zod'
import { LoomError } from '../../errors'
import { countTextTokens, MAX_COUNTED_CHARACTERS } from '../count-tokens'
import type { CallMeasure } from '../estimate-cost'
import { encodeBody } from '../providers/encode-body'
import { ModelName } from './model-name'
import type { CountedRequest } from './operation'
import { findBilledByUse } from './unpriced'

/**
 * What the road must understand of a Responses body. Everything else is passed on as it came.
 * Source: the OpenAI API reference, "Create a model response".
 */
export const ResponsesBody = z.looseObject({
  model: ModelName,
  input: z.union([z.string(), z.array(z.looseObject({ type: z.string().nullish() }))]).nullish(),
  instructions: z.unknown().optional(),
  stream: z.boolean().nullish(),
  max_output_tokens: z.int().positive().nullish(),
  background: z.boolean().nullish(),
  previous_response_id: z.string().nullish(),
  conversation: z.unknown().optional(),
  prompt: z.unknown().optional(),
  tools: z.array(z.looseObject({ type: z.string() })).nullish()
})
export type ResponsesBody = z.infer<typeof ResponsesBody>

/** Tools that the caller runs itself; all others run at the provider, which bills them by use. */
export const ownTools: ReadonlySet<string> = new Set(['function', 'custom', 'namespace', 'computer', 'computer_use_preview', 'local_shell', 'apply_patch'])

/** @throws {LoomError} `invalid_request` for an answer that could only be fetched later, where nothing serves it */
export function requireForeground({ background }: ResponsesBody): void {
  if (background) throw new LoomError('invalid_request', 'Answers in the background are not offered here: an answer ends with its call. Leave "background" out, and stream.', { param: 'background' })
}

const Part = z.looseObject({ type: z.string(), text: z.string().optional(), refusal: z.string().optional(), image_url: z.string().nullish(), file_id: z.string().nullish(), file_url: z.string().nullish() })
const Item = z.looseObject({ content: z.unknown().optional(), output: z.unknown().optional() })

function itemsOf({ input }: ResponsesBody): z.infer<typeof Item>[] {
  return z.array(Item).safeParse(input).data ?? []
}

function partsOf(body: ResponsesBody): z.infer<typeof Part>[] {
  return itemsOf(body).flatMap(({ content, output }) => [content, output]).flatMap(parts => Array.isArray(parts) ? parts.flatMap(part => Part.safeParse(part).data ?? []) : [])
}

/** What the bounds of a call hang on. The data of images is not priced by the byte; a file's is, for it may be text. */
export function measureResponses(body: ResponsesBody, bodyBytes: number): CallMeasure {
  const images = partsOf(body).filter(({ type }) => type === 'input_image')
  return {
    bodyBytes,
    media: images.length,
    mediaBytes: images.reduce((sum, { image_url: url }) => sum + (url?.length ?? 0), 0),
    maxOutputTokens: body.max_output_tokens ?? 0,
    answers: 1,
    readsMore: readsMore(body)
  }
}

/** An earlier answer, a file or what a tool finds is in no body. */
function readsMore(body: ResponsesBody): boolean {
  const kept = Boolean(body.previous_response_id ?? body.conversation ?? body.prompt) || itemsOf(body).some(({ type }) => type === 'item_reference')
  const fetched = partsOf(body).some(({ type, file_id: id, file_url: url }) => type !== 'input_image' && (id ?? url))
  return kept || fetched || findBilledByUse(body, ownTools) !== undefined
}

/** Our own count of the prompt: its texts, calls and tools. */
export function countResponses(body: ResponsesBody): Promise<number> {
  const { input, instructions, tools } = body
  const items = itemsOf(body).map(({ content, output, arguments: called }) => [content, output, called].map(text => typeof text === 'string' ? text : '').join('\n'))
  const parts = partsOf(body).map(({ text, refusal }) => text ?? refusal ?? '')
  return countTextTokens([typeof input === 'string' ? input : '', typeof instructions === 'string' ? instructions : '', ...items, ...parts, tools ? encodeBody(tools) : ''].join('\n'))
}

/** A closer look than the bytes: everything but the data of images. Undefined for what is too long. */
export async function countResponsesClosely(body: ResponsesBody): Promise<CountedRequest | undefined> {
  let images = 0
  const withoutImage = (part: unknown) => {
    if (Part.safeParse(part).data?.type !== 'input_image') return part
    images++
    return { ...Object(part), image_url: undefined }
  }
  const strip = (parts: unknown) => Array.isArray(parts) ? parts.map(withoutImage) : parts
  const input = Array.isArray(body.input) ? itemsOf(body).map(item => ({ ...item, content: strip(item.content), output: strip(item.output) })) : body.input
  const text = encodeBody({ ...body, input })
  return text.length > MAX_COUNTED_CHARACTERS ? undefined : { tokens: await countTextTokens(text), images, sounds: 0 }
}
