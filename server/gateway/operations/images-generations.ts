import { z } from 'zod'
import type { Units } from '../../billing/units'
import type { Target } from '../../catalog/target'
import { MAX_CHOICES } from '../answer-limits'
import { countTextTokens } from '../count-tokens'
import { toOpenAiError } from '../openai-error'
import type { Transport } from '../providers/provider'
import { storable } from '../usage'
import { FinalEventTap } from './final-event-tap'
import { imageTokens, PARTIAL_IMAGE_TOKENS } from './image-tokens'
import { readMediaUsage } from './media-usage'
import { JsonRequest } from './json-request'
import { ModelName } from './model-name'
import type { CallRequest, Operation, WholeAnswer } from './operation'
import { sendNative } from './send-native'

/** The events of a stream. */
const PARTIAL = 'image_generation.partial_image'
const FINISHED = 'image_generation.completed'
/** Newer models than the table of `imageTokens` may count more. */
const BOUND_FACTOR = 2
/** The most a caller may ask for on the way to each picture. */
const MAX_PARTIAL_IMAGES = 3
/** As much as an event may have at all. */
const MAX_PICTURE_BYTES = 8 * 1024 * 1024

/** `hd`, `1024x1024`, `16:9`: kept with the charge as it came, where the picture has a price. */
const Choice = z.string().regex(/^[\w*:.-]{1,40}$/, 'must be one word of at most 40 letters, digits and "*:.-"')

/** Source: the OpenAI API reference, "Create image". */
export const ImagesBody = z.looseObject({
  model: ModelName,
  prompt: z.string().min(1).max(32_000),
  n: z.int().min(1).max(10).nullish(),
  quality: Choice.nullish(),
  size: Choice.nullish(),
  stream: z.boolean().nullish(),
  partial_images: z.int().min(0).max(MAX_PARTIAL_IMAGES).nullish()
})
type ImagesBody = z.infer<typeof ImagesBody>

export const Images = z.looseObject({ data: z.array(z.looseObject({ b64_json: z.string().nullish() })).max(MAX_CHOICES), usage: z.unknown().optional() })
type Images = z.infer<typeof Images>

/** `POST /v1/images/generations`: pictures from a text. */
export const imagesGenerations: Operation = {
  name: 'images.generations',
  path: '/v1/images/generations',
  scope: 'images',
  parse: raw => new ImagesRequest(raw, ImagesBody),
  toError: toOpenAiError
}

class ImagesRequest extends JsonRequest<ImagesBody> implements CallRequest {
  readonly stream = this.body.stream === true
  readonly unit = 'pictures'

  bound() {
    const partial = (this.body.partial_images ?? 0) * PARTIAL_IMAGE_TOKENS
    return { inputTokens: this.raw.length, outputTokens: (this.body.n ?? 1) * (this.tokensEach() * BOUND_FACTOR + partial), units: this.pictures(this.body.n ?? 1) }
  }

  countInput() {
    return countTextTokens(this.body.prompt)
  }

  send(target: Target, transport: Transport, signal: AbortSignal) {
    return sendNative('images.generations', 'images', target, { body: this.body, stream: this.stream }, transport, signal)
  }

  readAnswer(body: Buffer): WholeAnswer {
    const answer = Images.parse(JSON.parse(body.toString('utf8')))
    return {
      contentType: 'application/json',
      usage: readMediaUsage(answer.usage),
      rawUsage: answer.usage,
      text: () => '',
      outputTokens: answer.data.length * this.tokensEach(),
      units: this.pictures(answer.data.length),
      finish: () => body,
      record: () => Buffer.from(JSON.stringify(withoutPictures(answer)))
    }
  }

  tap() {
    const maxBytes = (this.body.n ?? 1) * (1 + MAX_PARTIAL_IMAGES) * MAX_PICTURE_BYTES
    return new FinalEventTap(FINISHED, maxBytes, {
      tokensOf: ({ type }) => type === PARTIAL ? PARTIAL_IMAGE_TOKENS : 0,
      finalTokens: this.tokensEach(),
      // Who was shown a picture on the way has it, should they leave before it is finished.
      unitsOf: ({ type }, finished) => type === FINISHED ? this.pictures(finished) : type === PARTIAL ? this.pictures(finished + 1) : undefined
    }, this.body.n ?? 1)
  }

  private pictures(count: number): Units {
    const { quality, size } = this.body
    return { pictures: { count, quality: quality ?? undefined, size: size ?? undefined } }
  }

  private tokensEach(): number {
    return imageTokens(this.body.quality, this.body.size)
  }
}

/** A trace says how large a picture was, not what it showed. */
function withoutPictures({ data, usage }: Images): object {
  return { data: data.map(({ b64_json: picture, url }) => ({ ...(picture && { base64_characters: picture.length }), ...(typeof url === 'string' && { url }) })), usage: storable(usage) }
}
