import { createHash } from 'node:crypto'
import { crc32, deflateSync } from 'node:zlib'
import { z } from 'zod'
import { LoomError } from '../../errors'
import type { OperationName } from '../operations/operation-name'
import { TokenList } from '../operations/token-list'
import { toTokens } from './demo-answer'
import { readDemoForm, readDemoRequest, wordsOf } from './demo-request'
import { encodeEmbedding } from './encode-embedding'
import type { ProviderCall, ProviderRequest } from './provider'
import { jsonResponse } from './translated-response'

/** What the demo model makes of other questions than chat. It counts words; it understands none, and the same question always gets the same answer. */
const answers: Partial<Record<OperationName, (request: ProviderRequest, signal: AbortSignal) => object | Promise<object>>> = {
  'embeddings': embed,
  'moderations': moderate,
  'rerank': rank,
  'images.generations': ({ body }) => draw(body),
  'images.edits': drawFrom
}

export function demoMedia(operation: OperationName): ProviderCall | undefined {
  const answer = answers[operation]
  return answer && (async (_connection, request, _transport, signal) => {
    signal.throwIfAborted()
    if (request.stream) throw new LoomError('invalid_request', 'The demo model streams nothing but chat and speech.', { param: 'stream' })
    return jsonResponse({ status: 200, headers: {} }, await answer(request, signal))
  })
}

const DIMENSIONS = 256
/** Every word is hashed: more text than this would hold up all others. */
const MAX_CHARACTERS = 100_000
/** Numbers in an answer. */
const MAX_NUMBERS = 1_000_000

const EmbeddingsRequest = z.object({
  input: z.union([z.string(), z.array(z.string()).max(2_048), TokenList, z.array(TokenList).max(2_048)]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().min(1).max(4_096, 'the demo model makes at most 4,096').nullish()
})

/** Each word adds to a few dimensions that its hash names: texts that share words lie close together. */
function embed({ body, upstreamModel }: ProviderRequest): object {
  const { input, encoding_format: format, dimensions } = readDemoRequest(EmbeddingsRequest, body)
  const texts = (typeof input === 'string' || typeof input[0] === 'number' ? [input] : input).map(text => Array.isArray(text) ? text.join(' ') : String(text))
  requireShort(texts, 'input')
  if (texts.length * (dimensions ?? DIMENSIONS) > MAX_NUMBERS) throw new LoomError('invalid_request', `The demo model makes at most ${MAX_NUMBERS.toLocaleString('en')} numbers a call.`, { param: 'dimensions' })
  return {
    object: 'list',
    data: texts.map((text, index) => ({ object: 'embedding', index, embedding: encodeEmbedding(toVector(text, dimensions ?? DIMENSIONS), format === 'base64') })),
    model: upstreamModel,
    usage: usageOf(texts)
  }
}

function toVector(text: string, dimensions: number): number[] {
  const vector = new Array<number>(dimensions).fill(0)
  for (const word of wordsOf(text)) {
    const hash = createHash('sha256').update(word).digest()
    for (const at of [0, 8, 16]) {
      const dimension = hash.readUInt32LE(at) % dimensions
      vector[dimension] = (vector[dimension] ?? 0) + (hash.readUInt8(at + 4) < 128 ? -1 : 1)
    }
  }
  const length = Math.hypot(...vector) || 1
  return vector.map(value => value / length)
}

const ModerationRequest = z.object({ input: z.union([z.string(), z.array(z.union([z.string(), z.object({ text: z.string().default('') })])).max(2_048)]) })

const badWords: Readonly<Record<string, readonly string[]>> = {
  'harassment': ['idiot', 'moron', 'stupid'],
  'hate': ['subhuman', 'vermin'],
  'illicit': ['bomb', 'explosive', 'meth'],
  'self-harm': ['suicide', 'selfharm'],
  'sexual': ['porn', 'nude'],
  'violence': ['kill', 'murder', 'stab', 'shoot']
}

function moderate({ body, upstreamModel }: ProviderRequest): object {
  const { input } = readDemoRequest(ModerationRequest, body)
  const isOne = Array.isArray(input) && input.some(part => typeof part !== 'string')
  const texts = [input].flat().map(part => typeof part === 'string' ? part : part.text)
  requireShort(texts, 'input')
  return { id: 'modr-demo', model: upstreamModel, results: (isOne ? [texts.join(' ')] : texts).map(judge), usage: usageOf(texts) }
}

function judge(text: string): object {
  const words = new Set(wordsOf(text))
  const scores = Object.entries(badWords).map(([category, bad]) => [category, bad.some(word => words.has(word)) ? 0.99 : 0.01] as const)
  const categories = Object.fromEntries(scores.map(([category, score]) => [category, score > 0.5]))
  return { flagged: scores.some(([, score]) => score > 0.5), categories, category_scores: Object.fromEntries(scores) }
}

const RerankRequest = z.object({
  query: z.string(),
  documents: z.array(z.union([z.string(), z.object({ text: z.string() })])).max(10_000),
  top_n: z.int().positive().nullish(),
  return_documents: z.boolean().nullish()
})

/** By the share of the query's words that a document has. */
function rank({ body, upstreamModel }: ProviderRequest): object {
  const { query, documents, top_n: most, return_documents: withDocuments } = readDemoRequest(RerankRequest, body)
  const texts = documents.map(document => typeof document === 'string' ? document : document.text)
  requireShort([query, ...texts], 'documents')
  const wanted = new Set(wordsOf(query))
  const results = texts.map((text, index) => {
    const shared = [...new Set(wordsOf(text))].filter(word => wanted.has(word)).length
    return { index, relevance_score: wanted.size > 0 ? shared / wanted.size : 0, ...(withDocuments && { document: { text } }) }
  })
  return {
    id: 'rerank-demo',
    model: upstreamModel,
    results: results.sort((a, b) => b.relevance_score - a.relevance_score).slice(0, most ?? undefined),
    usage: usageOf(texts, toTokens(query).length * texts.length)
  }
}

const ImageRequest = z.object({ prompt: z.string(), n: z.int().min(1).max(4, 'the demo model draws at most four').nullish(), response_format: z.literal('b64_json', 'the demo model gives pictures as b64_json').nullish() })
const EDGE = 256
const IMAGE_TOKENS = 272

/** A square of stripes in colours that the prompt's hash picks. */
function draw(body: ProviderRequest['body'], seenTokens = 0): object {
  const { prompt, n } = readDemoRequest(ImageRequest, body)
  const text = usageOf([prompt]).prompt_tokens
  const input = text + seenTokens
  const count = n ?? 1
  return {
    created: 0,
    data: Array.from({ length: count }, (_, index) => ({ b64_json: stripes(`${index} ${prompt}`).toString('base64') })),
    usage: { input_tokens: input, output_tokens: count * IMAGE_TOKENS, total_tokens: input + count * IMAGE_TOKENS, input_tokens_details: { text_tokens: text, image_tokens: seenTokens } }
  }
}

const Shown = z.object({ images: z.array(z.unknown()) })

/** It sees nothing of the pictures but how many there are: the stripes are the prompt's. */
async function drawFrom({ body, form }: ProviderRequest, signal: AbortSignal): Promise<object> {
  if (!form) return draw(body, readDemoRequest(Shown, body).images.length * IMAGE_TOKENS)
  const read = await readDemoForm(form, signal)
  const n = read.fieldText('n')
  return draw({ prompt: read.fieldText('prompt'), n: n === undefined ? undefined : Number(n), response_format: read.fieldText('response_format') }, read.parts.filter(({ fileName }) => fileName !== undefined).length * IMAGE_TOKENS)
}

function stripes(seed: string): Buffer {
  const colours = createHash('sha256').update(seed).digest()
  const rows = Array.from({ length: EDGE }, (_, y) => {
    // Filter byte, then a pixel's three channels, `EDGE` times.
    const pixel = colours.subarray(Math.floor(y * 10 / EDGE) * 3, Math.floor(y * 10 / EDGE) * 3 + 3)
    return Buffer.concat([Buffer.from([0]), ...Array.from({ length: EDGE }, () => pixel)])
  })
  const header = Buffer.alloc(13)
  header.writeUInt32BE(EDGE, 0)
  header.writeUInt32BE(EDGE, 4)
  header.set([8, 2], 8)
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), pngChunk('IHDR', header), pngChunk('IDAT', deflateSync(Buffer.concat(rows))), pngChunk('IEND', Buffer.alloc(0))])
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data])
  const frame = Buffer.alloc(body.length + 8)
  frame.writeUInt32BE(data.length, 0)
  frame.set(body, 4)
  frame.writeUInt32BE(crc32(body), body.length + 4)
  return frame
}

/** @throws {LoomError} `invalid_request` */
function requireShort(texts: readonly string[], param: string): void {
  if (texts.reduce((sum, text) => sum + text.length, 0) > MAX_CHARACTERS) throw new LoomError('invalid_request', `The demo model reads at most ${MAX_CHARACTERS.toLocaleString('en')} characters here.`, { param })
}

/** @param more tokens besides those of the texts */
function usageOf(texts: readonly string[], more = 0): { prompt_tokens: number, total_tokens: number } {
  const tokens = texts.reduce((sum, text) => sum + toTokens(text).length, more)
  return { prompt_tokens: tokens, total_tokens: tokens }
}
