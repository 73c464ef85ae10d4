import { z } from 'zod'
import type { CallMeasure } from '../estimate-cost'
import { countTextTokens, MAX_COUNTED_CHARACTERS } from '../count-tokens'
import { encodeBody } from '../providers/encode-body'
import { ModelName } from './model-name'
import type { CountedRequest } from './operation'

/**
 * What the road must understand of a Messages body. Everything else is passed on as it came.
 * Source: Anthropic's API reference, "Create a message".
 */
export const CountBody = z.looseObject({
  model: ModelName,
  messages: z.array(z.looseObject({ role: z.string(), content: z.unknown().optional() })).min(1),
  system: z.unknown().optional(),
  tools: z.array(z.looseObject({ type: z.string().nullish() })).nullish()
})
export type CountBody = z.infer<typeof CountBody>

export const MessagesBody = CountBody.extend({
  max_tokens: z.int().positive(),
  stream: z.boolean().nullish(),
  speed: z.string().nullish(),
  inference_geo: z.string().nullish(),
  mcp_servers: z.array(z.unknown()).nullish(),
  container: z.unknown().optional()
})
export type MessagesBody = z.infer<typeof MessagesBody>

/** Tools that the caller runs, or that cost the tokens they read and no more; dated, but for the first and the last. */
const pricedByTokens = /^(?:custom$|(?:bash|text_editor|computer|memory|web_fetch|tool_search_tool)_|mcp_toolset$)/

/** What of a call Anthropic bills beside tokens, by the tokens of another model, or at a rate of its own; a tool that is not known may be one. Source: Anthropic's pricing page, read 2026-11. */
export function findUnpriced({ tools, speed, inference_geo: geo }: MessagesBody): string | undefined {
  const tool = tools?.find(({ type }) => type && !pricedByTokens.test(type))
  if (tool) return `The tool "${tool.type}", which Anthropic may bill by use,`
  if (speed && speed !== 'standard') return `The speed "${speed}"`
  return geo && geo !== 'global' ? `The inference_geo "${geo}"` : undefined
}

const Block = z.looseObject({
  type: z.string(),
  source: z.looseObject({ type: z.string(), data: z.string().optional() }).optional().catch(undefined),
  content: z.unknown().optional()
})

/** The blocks of all messages, those within tool results too. */
function blocksOf({ messages }: CountBody): z.infer<typeof Block>[] {
  const blocksIn = (content: unknown) => Array.isArray(content) ? content.flatMap(block => Block.safeParse(block).data ?? []) : []
  return messages.flatMap(({ content }) => blocksIn(content)).flatMap(block => block.type === 'tool_result' ? [block, ...blocksIn(block.content)] : [block])
}

/** What the bounds of a call hang on. The data of images is not priced by the byte; a file's is, for it may be text. */
export function measureMessages(body: MessagesBody, bodyBytes: number): CallMeasure {
  const images = blocksOf(body).filter(({ type }) => type === 'image')
  return {
    bodyBytes,
    media: images.length,
    mediaBytes: images.reduce((sum, { source }) => sum + (source?.type === 'base64' ? source.data?.length ?? 0 : 0), 0),
    maxOutputTokens: body.max_tokens,
    answers: 1,
    readsMore: readsMore(body)
  }
}

/** Files that Anthropic fetches, and what its own tools find, are in no body. */
function readsMore(body: MessagesBody): boolean {
  const fetched = blocksOf(body).some(({ type, source }) => type !== 'image' && (source?.type === 'url' || source?.type === 'file'))
  return fetched || Boolean(body.mcp_servers?.length) || Boolean(body.container) || Boolean(body.tools?.some(({ type }) => /^(?:web_|code_execution|mcp_)/.test(type ?? '')))
}

const TOKENS_PER_IMAGE = 1_600

/** Our own count of the prompt: its texts, and images at what the largest of them takes. Source: Anthropic, "Vision". */
export async function countMessages(body: CountBody): Promise<number> {
  const blocks = blocksOf(body)
  const images = blocks.filter(({ type }) => type === 'image').length
  const texts = blocks.map(({ text, thinking, input, content, name, source }) => [text, thinking, name, content, source?.type === 'text' ? source.data : '']
    .map(part => typeof part === 'string' ? part : '').join('\n') + (input === undefined ? '' : encodeBody({ input })))
  const plain = body.messages.map(({ content }) => typeof content === 'string' ? content : '')
  const rest = encodeBody([body.system ?? '', body.tools ?? ''])
  return await countTextTokens([...texts, ...plain, rest].join('\n')) + images * TOKENS_PER_IMAGE
}

function mapBlocks(content: unknown, change: (block: unknown) => unknown): unknown {
  return Array.isArray(content) ? content.map(change) : content
}

/** The images within a tool's result are as deep as the format has any. */
function withoutPictures(item: unknown): unknown {
  const block = Block.safeParse(item).data
  return block?.type === 'tool_result' ? { ...block, content: mapBlocks(block.content, withoutPicture) } : withoutPicture(item)
}

function withoutPicture(item: unknown): unknown {
  const block = Block.safeParse(item).data
  return block?.type === 'image' && block.source?.type === 'base64' ? { ...block, source: undefined } : item
}

/** A closer look than the bytes: everything but the data of images. Undefined for what is too long. */
export async function countMessagesClosely(body: MessagesBody): Promise<CountedRequest | undefined> {
  const images = blocksOf(body).filter(({ type }) => type === 'image').length
  const text = encodeBody({ ...body, messages: body.messages.map(message => ({ ...message, content: mapBlocks(message.content, withoutPictures) })) })
  return text.length > MAX_COUNTED_CHARACTERS ? undefined : { tokens: await countTextTokens(text), images, sounds: 0 }
}
