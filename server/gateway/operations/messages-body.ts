import { z } from 'zod'
import { TOKENS_PER_MEDIUM } from '../estimate-cost'
import type { CallMeasure } from '../estimate-cost'
import { listOf } from '../list-of'
import type { Medium, Prompt } from './count-prompt'
import { fieldOf } from '../field-of'
import { ModelName } from './model-name'
import { findPacked } from './packed-file'

/**
 * What the road must understand of a Messages body. Everything else is passed on as it came.
 * Source: Anthropic's API reference, "Create a message".
 */
export const CountBody = z.looseObject({
  model: ModelName,
  messages: listOf(z.looseObject({ role: z.string(), content: z.unknown().optional() }), 1),
  system: z.unknown().optional(),
  tools: listOf(z.looseObject({ type: z.string().nullish() })).nullish()
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

const ContextManagement = z.looseObject({ edits: z.array(z.looseObject({ type: z.string() })) })

/** Whether Anthropic may sum the conversation up before it answers. Source: its documentation, "Compaction". */
export function mayBeSummedUp({ context_management: management }: MessagesBody): boolean {
  return ContextManagement.safeParse(management).data?.edits.some(({ type }) => type.startsWith('compact_')) ?? false
}

const Block = z.looseObject({
  type: z.string(),
  source: z.looseObject({ type: z.string(), data: z.string().optional(), content: z.unknown().optional() }).optional().catch(undefined),
  content: z.unknown().optional()
})
type Block = z.infer<typeof Block>

/** The blocks of all messages, those within tool results and documents too. */
function blocksOf({ messages }: CountBody): Block[] {
  const blocksIn = (content: unknown) => Array.isArray(content) ? content.flatMap(block => fieldOf(block, 'type') === undefined ? [] : Block.safeParse(block).data ?? []) : []
  return messages.flatMap(({ content }) => blocksIn(content))
    .flatMap(block => block.type === 'tool_result' ? [block, ...blocksIn(block.content)] : [block])
    .flatMap(block => isOfBlocks(block) ? [block, ...blocksIn(block.source?.content)] : [block])
}

/** A document that is written here as blocks, pictures among them. */
function isOfBlocks({ type, source }: Block): boolean {
  return type === 'document' && source?.type === 'content'
}

/** What the bounds of a call hang on. The data of images is not priced by the byte; a file's is, for it may be text. */
export function measureMessages(body: MessagesBody, bodyBytes: number): CallMeasure {
  const blocks = blocksOf(body)
  const images = blocks.filter(({ type }) => type === 'image')
  return {
    bodyBytes,
    mediaTokens: images.length * TOKENS_PER_MEDIUM,
    mediaBytes: images.reduce((sum, { source }) => sum + (source?.type === 'base64' ? source.data?.length ?? 0 : 0), 0),
    maxOutputTokens: body.max_tokens,
    answers: 1,
    readsMore: readsMore(body, blocks),
    packed: findPacked(blocks.flatMap(({ type, source }) => type === 'document' && source?.type === 'base64' ? [source.data ?? ''] : []))
  }
}

/** Files that Anthropic fetches, what its own tools find, and the earlier messages of a thread it keeps are in no body. */
function readsMore(body: MessagesBody, blocks: readonly Block[]): boolean {
  const fetched = blocks.some(({ type, source }) => type !== 'image' && (source?.type === 'url' || source?.type === 'file'))
  return fetched || Boolean(body.mcp_servers?.length) || Boolean(body.container) || Boolean(body.thread) || Boolean(body.tools?.some(({ type }) => /^(?:web_|code_execution|mcp_)/.test(type ?? '')))
}

function mapBlocks(content: unknown, change: (block: unknown) => unknown): unknown {
  return Array.isArray(content) ? content.map(change) : content
}

/** The body without the data of its images and files, and those. A picture in a document in a tool's result is as deep as the format has any. */
export function takeMedia<Body extends CountBody>(body: Body): Prompt {
  const media: Medium[] = []
  const take = (item: unknown) => {
    const block = Block.safeParse(item).data
    if (block?.type !== 'image' && block?.type !== 'document') return item
    const { source } = block
    const data = source?.type === 'base64' ? source.data ?? '' : ''
    if (block.type === 'image') media.push({ kind: 'image', data })
    else if (data) media.push({ kind: 'file', data })
    return data ? { ...block, source: { ...source, data: undefined } } : item
  }
  const takeDocument = (item: unknown) => {
    const block = Block.safeParse(item).data
    return block && isOfBlocks(block) ? { ...block, source: { ...block.source, content: mapBlocks(block.source?.content, take) } } : take(item)
  }
  const takeResult = (item: unknown) => {
    const block = Block.safeParse(item).data
    return block?.type === 'tool_result' ? { ...block, content: mapBlocks(block.content, takeDocument) } : takeDocument(item)
  }
  return { rest: { ...body, messages: body.messages.map(message => ({ ...message, content: mapBlocks(message.content, takeResult) })) }, media }
}
