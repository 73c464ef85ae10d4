import { z } from 'zod'
import { LoomError } from '../../errors'
import { MAX_ITEMS } from '../answer-limits'
import { encodeEmbedding } from './encode-embedding'
import type { ProviderRequest } from './provider'

/** Source: ai.google.dev/api/embeddings, `batchEmbedContents`, read 2026-11. */
const MAX_TEXTS = 100

const Request = z.object({
  input: z.union([z.string(), z.array(z.string()).min(1).max(MAX_TEXTS)], { error: `Gemini embeds a text, or an array of up to ${MAX_TEXTS}` }),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().positive().nullish()
})

const Answer = z.object({
  embeddings: z.array(z.object({ values: z.array(z.number()).max(MAX_ITEMS) })).max(MAX_TEXTS),
  usageMetadata: z.object({ promptTokenCount: z.int().nonnegative().optional() }).optional()
})

/** @throws {LoomError} `invalid_request` naming the field Gemini cannot take */
export function toBatchEmbedBody(call: ProviderRequest): Record<string, unknown> {
  const { input, dimensions } = readRequest(call)
  const model = `models/${call.upstreamModel.replace(/^models\//, '')}`
  return { requests: [input].flat().map(text => ({ model, content: { parts: [{ text }] }, ...(dimensions && { outputDimensionality: dimensions }) })) }
}

/**
 * The vectors as OpenAI's list; with usage where Google told it.
 * @throws {LoomError} `upstream_error` when they are none
 */
export function toEmbeddingList(text: string, call: ProviderRequest): Record<string, unknown> {
  const { embeddings, usageMetadata } = readAnswer(text)
  const tokens = usageMetadata?.promptTokenCount
  const { encoding_format: format, dimensions } = readRequest(call)
  return {
    object: 'list',
    data: embeddings.map(({ values }, index) => ({ object: 'embedding', index, embedding: encodeEmbedding(dimensions ? normalised(values) : values, format === 'base64') })),
    model: call.upstreamModel,
    ...(tokens !== undefined && { usage: { prompt_tokens: tokens, total_tokens: tokens } })
  }
}

/** Of length 1, as OpenAI's are: Google's are only where they are whole. Source: ai.google.dev/gemini-api/docs/embeddings, "Ensuring quality for smaller dimensions". */
function normalised(values: number[]): number[] {
  const length = Math.hypot(...values)
  return length > 0 ? values.map(value => value / length) : values
}

function readRequest(call: ProviderRequest): z.infer<typeof Request> {
  const parsed = Request.safeParse(call.body)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const param = issue?.path.join('.') ?? 'input'
  throw new LoomError('invalid_request', `${param}: ${issue?.message}.`, { param, cause: parsed.error })
}

function readAnswer(text: string): z.infer<typeof Answer> {
  try {
    return Answer.parse(JSON.parse(text))
  } catch (cause) {
    throw new LoomError('upstream_error', 'Google answered with something that is not a list of embeddings.', { cause })
  }
}
