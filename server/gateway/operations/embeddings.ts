import { z } from 'zod'
import type { Target } from '../../catalog/target'
import { countTextTokens } from '../count-tokens'
import type { ModelLimits } from '../estimate-cost'
import { toOpenAiError } from '../openai-error'
import { encodeEmbedding } from '../providers/encode-embedding'
import type { Transport } from '../providers/provider'
import { storable } from '../usage'
import { readInputUsage } from './media-usage'
import { JsonRequest } from './json-request'
import { ModelName } from './model-name'
import type { CallRequest, Operation, WholeAnswer } from './operation'
import { sendNative } from './send-native'
import { MAX_TOKEN_VALUES, TokenList } from './token-list'

/** Texts, or texts as tokens: what else providers may embed has no bound that could be held. Source: the OpenAI API reference, "Create embeddings". */
export const EmbeddingsBody = z.looseObject({
  model: ModelName,
  input: z.union([z.string().min(1), z.array(z.string()).min(1).max(2_048), TokenList, z.array(TokenList).min(1).max(2_048)], { error: 'must be a text, an array of up to 2,048 texts, or tokens' }),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().positive().nullish()
})
type EmbeddingsBody = z.infer<typeof EmbeddingsBody>

export const Embeddings = z.looseObject({ data: z.array(z.looseObject({ embedding: z.unknown() })).max(2_048), usage: z.unknown().optional() })
type Embeddings = z.infer<typeof Embeddings>

/** `POST /v1/embeddings`: texts as vectors. */
export const embeddings: Operation = {
  name: 'embeddings',
  path: '/v1/embeddings',
  scope: 'embeddings',
  parse: raw => new EmbeddingsRequest(raw, EmbeddingsBody, MAX_TOKEN_VALUES),
  toError: toOpenAiError
}

class EmbeddingsRequest extends JsonRequest<EmbeddingsBody> implements CallRequest {
  readonly stream = false

  /** The window is each text's own. A token takes at least a byte of the body, as text and as a number. */
  bound({ contextWindow = Infinity }: ModelLimits) {
    const { input } = this.body
    const texts = Array.isArray(input) && typeof input[0] !== 'number' ? input.length : 1
    return { inputTokens: Math.min(this.raw.length, contextWindow * texts), outputTokens: 0 }
  }

  async countInput(): Promise<number> {
    const items = [this.body.input].flat(2)
    const texts = items.filter(item => typeof item === 'string')
    return items.length - texts.length + await countTextTokens(texts.join('\n'))
  }

  send(target: Target, transport: Transport, signal: AbortSignal) {
    return sendNative('embeddings', 'embeddings', target, { body: this.body, stream: false }, transport, signal)
  }

  readAnswer(body: Buffer): WholeAnswer {
    const answer = Embeddings.parse(JSON.parse(body.toString('utf8')))
    const usage = readInputUsage(answer.usage)
    const encoded = this.body.encoding_format === 'base64' ? encodeVectors(answer) : undefined
    return {
      contentType: 'application/json',
      usage,
      rawUsage: answer.usage,
      text: () => '',
      finish: ({ inputTokens }) => usage && !encoded ? body : Buffer.from(JSON.stringify({ ...answer, ...encoded, usage: usage ? answer.usage : { prompt_tokens: inputTokens, total_tokens: inputTokens } })),
      record: () => Buffer.from(JSON.stringify(withoutVectors(answer)))
    }
  }
}

const Vector = z.array(z.number()).min(1)

/**
 * Many servers answer numbers where base64 was asked for, which OpenAI's SDK does unseen and then decodes them as base64 into another, shorter
 * vector. Undefined where there are none.
 */
function encodeVectors({ data }: Embeddings): Pick<Embeddings, 'data'> | undefined {
  if (!Array.isArray(data[0]?.embedding)) return undefined
  return { data: data.map((item) => {
    const vector = Vector.safeParse(item.embedding)
    return vector.success ? { ...item, embedding: encodeEmbedding(vector.data, true) } : item
  }) }
}

/** Nobody reads a vector in a trace. */
function withoutVectors({ data, usage }: Embeddings): object {
  return { data: data.map(({ embedding }, index) => ({ index, ...(typeof embedding === 'string' ? { base64_characters: embedding.length } : { dimensions: Array.isArray(embedding) ? embedding.length : 0 }) })), usage: storable(usage) }
}
