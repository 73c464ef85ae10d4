import { z } from 'zod'
import type { Target } from '../../catalog/target'
import { countTextTokens } from '../count-tokens'
import type { ModelLimits } from '../estimate-cost'
import { boundTokens, TOKENS_PER_MEDIUM } from '../estimate-cost'
import { toOpenAiError } from '../openai-error'
import type { Transport } from '../providers/provider'
import { readInputUsage } from './media-usage'
import { JsonRequest } from './json-request'
import { ModelName } from './model-name'
import type { CallRequest, Operation, WholeAnswer } from './operation'
import { sendNative } from './send-native'

const Part = z.union([
  z.looseObject({ type: z.literal('text'), text: z.string() }),
  z.looseObject({ type: z.literal('image_url'), image_url: z.looseObject({ url: z.string() }) })
])

/** Source: the OpenAI API reference, "Create moderation". */
const DEFAULT_MODEL = 'omni-moderation-latest'
/** As many as embeddings have; OpenAI names no number. */
const MAX_INPUTS = 2_048

export const ModerationsBody = z.looseObject({
  model: ModelName.default(DEFAULT_MODEL),
  input: z.union([z.string(), z.array(z.string()).min(1).max(MAX_INPUTS), z.array(Part).min(1).max(MAX_INPUTS)], { error: `must be a text, or an array of up to ${MAX_INPUTS.toLocaleString('en')} texts, or of text and image parts` })
})
type ModerationsBody = z.infer<typeof ModerationsBody>

export const Moderation = z.looseObject({ results: z.array(z.unknown()), usage: z.unknown().optional() })

/** `POST /v1/moderations`: whether a text or picture is harmful. */
export const moderations: Operation = {
  name: 'moderations',
  path: '/v1/moderations',
  scope: 'moderations',
  parse: raw => new ModerationsRequest(raw, ModerationsBody),
  toError: toOpenAiError
}

class ModerationsRequest extends JsonRequest<ModerationsBody> implements CallRequest {
  readonly stream = false
  readonly defaultModel = DEFAULT_MODEL

  bound(limits: ModelLimits) {
    const images = this.parts().flatMap(part => typeof part === 'object' && part.type === 'image_url' ? [part.image_url.url.length] : [])
    const { inputTokens } = boundTokens({ bodyBytes: this.raw.length, mediaTokens: images.length * TOKENS_PER_MEDIUM, mediaBytes: images.reduce((sum, length) => sum + length, 0), maxOutputTokens: 1, answers: 1 }, limits)
    return { inputTokens, outputTokens: 0 }
  }

  countInput() {
    return countTextTokens(this.parts().map(part => typeof part === 'string' ? part : part.type === 'text' ? part.text : '').join('\n'))
  }

  send(target: Target, transport: Transport, signal: AbortSignal) {
    return sendNative('moderations', 'moderations', target, { body: this.body, stream: false }, transport, signal)
  }

  readAnswer(body: Buffer): WholeAnswer {
    const answer = Moderation.parse(JSON.parse(body.toString('utf8')))
    return { contentType: 'application/json', usage: readInputUsage(answer.usage), rawUsage: answer.usage, text: () => '', finish: () => body }
  }

  private parts(): (string | z.infer<typeof Part>)[] {
    return [this.body.input].flat()
  }
}
