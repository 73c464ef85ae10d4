import { z } from 'zod'
import type { Units } from '../../billing/units'
import { MAX_CHOICES } from '../answer-limits'
import { storable } from '../usage'
import { FinalEventTap } from './final-event-tap'
import { imageTokens, PARTIAL_IMAGE_TOKENS } from './image-tokens'
import { readMediaUsage } from './media-usage'
import type { WholeAnswer } from './operation'

/** Newer models than the table of `imageTokens` may count more. */
export const BOUND_FACTOR = 2
/** The most a caller may ask for on the way to each picture. */
const MAX_PARTIAL_IMAGES = 3
/** As much as an event may have at all. */
const MAX_PICTURE_BYTES = 8 * 1024 * 1024

/** `hd`, `1024x1024`, `16:9`: kept with the charge as it came, where the picture has a price. */
const Choice = z.string().regex(/^[\w*:.-]{1,40}$/, 'must be one word of at most 40 letters, digits and "*:.-"')

/** What a call asks of its pictures, and they are charged by. Source: the OpenAI API reference, "Create image" and "Create image edit". */
export const PictureChoices = z.object({
  prompt: z.string().min(1).max(32_000),
  n: z.int().min(1).max(10).nullish(),
  quality: Choice.nullish(),
  size: Choice.nullish(),
  stream: z.boolean().nullish(),
  partial_images: z.int().min(0).max(MAX_PARTIAL_IMAGES).nullish()
})
type PictureChoices = z.infer<typeof PictureChoices>

export const Images = z.looseObject({ data: z.array(z.looseObject({ b64_json: z.string().nullish() })).max(MAX_CHOICES), usage: z.unknown().optional() })
type Images = z.infer<typeof Images>

/** The pictures that a call asks for: the most they are, and what came of them. */
export class AskedPictures {
  private readonly most: number

  /** @param made what the events of a stream call it */
  constructor(private readonly asked: PictureChoices, private readonly made: 'image_generation' | 'image_edit') {
    this.most = asked.n ?? 1
  }

  bound() {
    const partial = (this.asked.partial_images ?? 0) * PARTIAL_IMAGE_TOKENS
    return { outputTokens: this.most * (this.tokensEach() * BOUND_FACTOR + partial), units: this.pictures(this.most) }
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

  tap(): FinalEventTap {
    const maxBytes = this.most * (1 + MAX_PARTIAL_IMAGES) * MAX_PICTURE_BYTES
    const [partial, finished] = [`${this.made}.partial_image`, `${this.made}.completed`]
    return new FinalEventTap(finished, maxBytes, {
      tokensOf: ({ type }) => type === partial ? PARTIAL_IMAGE_TOKENS : 0,
      finalTokens: this.tokensEach(),
      // Who was shown a picture on the way has it, should they leave before it is finished.
      unitsOf: ({ type }, done) => type === finished ? this.pictures(done) : type === partial ? this.pictures(done + 1) : undefined
    }, this.most)
  }

  private pictures(count: number): Units {
    const { quality, size } = this.asked
    return { pictures: { count, quality: quality ?? undefined, size: size ?? undefined } }
  }

  private tokensEach(): number {
    return imageTokens(this.asked.quality, this.asked.size)
  }
}

/** A trace says how large a picture was, not what it showed. */
function withoutPictures({ data, usage }: Images): object {
  return { data: data.map(({ b64_json: picture, url }) => ({ ...(picture && { base64_characters: picture.length }), ...(typeof url === 'string' && { url }) })), usage: storable(usage) }
}
