import { z } from 'zod'
import type { Target } from '../../catalog/target'
import { countTextTokens } from '../count-tokens'
import { toOpenAiError } from '../openai-error'
import type { Transport } from '../providers/provider'
import { readInputUsage, readSearches } from './media-usage'
import { JsonRequest } from './json-request'
import { ModelName } from './model-name'
import type { CallRequest, Operation, WholeAnswer } from './operation'
import { sendNative } from './send-native'

/** A search is a query with up to so many documents; a longer one counts as several, by pieces of so many tokens with the query. Source: Cohere's pricing page and models page, read 2026-10. */
const DOCUMENTS_PER_SEARCH = 100
const TOKENS_PER_PIECE = 500
/** A query is cut at half of a piece, and no token has less than a byte; English has about four. */
const LEAST_BYTES_PER_PIECE = TOKENS_PER_PIECE / 2
const USUAL_BYTES_PER_PIECE = TOKENS_PER_PIECE * 4

/** Source: Cohere's "Rerank" (v2) and Jina's "Reranker" references, which agree on these. */
export const RerankBody = z.looseObject({
  model: ModelName,
  query: z.string().min(1),
  documents: z.array(z.union([z.string(), z.looseObject({ text: z.string() })])).min(1).max(10_000),
  top_n: z.int().positive().nullish(),
  return_documents: z.boolean().nullish()
})
type RerankBody = z.infer<typeof RerankBody>

/** Jina tells its usage at the top, Cohere in `meta`: as tokens where it knows them. */
export const Ranking = z.looseObject({
  results: z.array(z.looseObject({ index: z.int().nonnegative(), relevance_score: z.number() })).max(10_000),
  usage: z.unknown().optional(),
  meta: z.looseObject({ tokens: z.looseObject({ input_tokens: z.number().nullish() }).nullish(), billed_units: z.unknown().optional() }).nullish()
})

/** `POST /v1/rerank`: documents by how well they answer a query. */
export const rerank: Operation = {
  name: 'rerank',
  path: '/v1/rerank',
  scope: 'rerank',
  parse: raw => new RerankRequest(raw, RerankBody),
  // Cohere's own clients read an error's words at the top.
  toError: error => ({ message: error.message, ...toOpenAiError(error) })
}

class RerankRequest extends JsonRequest<RerankBody> implements CallRequest {
  readonly stream = false
  readonly unit = 'searches'

  /** The query is read anew with each document. */
  bound() {
    const { query, documents } = this.body
    return { inputTokens: this.raw.length + Buffer.byteLength(query) * (documents.length - 1), outputTokens: 0, units: { searches: this.searches(LEAST_BYTES_PER_PIECE) } }
  }

  measure() {
    return { searches: this.searches(USUAL_BYTES_PER_PIECE) }
  }

  async countInput(): Promise<number> {
    const { query, documents } = this.body
    return await countTextTokens(query) * documents.length + await countTextTokens(this.texts().join('\n'))
  }

  send(target: Target, transport: Transport, signal: AbortSignal) {
    return sendNative('rerank', 'reranking', target, { body: this.body, stream: false }, transport, signal)
  }

  readAnswer(body: Buffer): WholeAnswer {
    const answer = Ranking.parse(JSON.parse(body.toString('utf8')))
    const { usage, meta } = answer
    return {
      contentType: 'application/json',
      usage: readInputUsage(usage) ?? readInputUsage({ prompt_tokens: meta?.tokens?.input_tokens ?? undefined }),
      rawUsage: usage ?? meta ?? undefined,
      units: readSearches(meta?.billed_units),
      text: () => '',
      // Cohere's clients take no ranking without it.
      finish: ({ inputTokens }) => meta ? body : Buffer.from(JSON.stringify({ ...answer, meta: { tokens: { input_tokens: inputTokens } } }))
    }
  }

  private texts(): string[] {
    return this.body.documents.map(document => typeof document === 'string' ? document : document.text)
  }

  private searches(bytesPerPiece: number): number {
    const pieces = this.texts().reduce((sum, text) => sum + Math.max(1, Math.ceil(Buffer.byteLength(text) / bytesPerPiece)), 0)
    return Math.ceil(pieces / DOCUMENTS_PER_SEARCH)
  }
}
