import { z } from 'zod'
import type { Units } from '../../billing/units'
import type { Target } from '../../catalog/target'
import { MAX_ANSWER_BYTES, MAX_CHOICES } from '../answer-limits'
import { fieldOf } from '../field-of'
import type { UpstreamResponse } from '../providers/provider'
import { storable } from '../usage'
import { isEventStream } from './event-tap'
import { FinalEventTap } from './final-event-tap'
import { boundImageTokens, imageTokens, PARTIAL_IMAGE_TOKENS, seenImageTokens } from './image-tokens'
import { readMediaUsage } from './media-usage'
import type { WholeAnswer } from './operation'

/** Newer models than the table of `imageTokens` may count more. */
const BOUND_FACTOR = 2
/** The most a caller may ask for on the way to each picture. */
const MAX_PARTIAL_IMAGES = 3
/** Of a GIF whose caller does not say. Source: the OpenAI API reference, "Create image", `frame_count`. */
const UNSAID_FRAMES = 9
/** What ends each picture of a stream. Not every server tells an edit from another picture. */
const FINISHED = ['image_generation.completed', 'image_edit.completed']

/** These read, and are billed for, all that is shown and asked once for each picture. Source: measurements of gpt-image-2 in OpenAI's community, "OpenAI must document the input image pricing of gpt-image-2", 2026-06 */
const READS_FOR_EACH = /(?:^|\/)gpt-image-(?!1(?:\D|$))/

/** The fields that show a model its pictures, be it none but their addresses. */
export const SHOWN = /^(?:image|mask|markup)/i

/** `hd`, `1024x1024`, `16:9`: kept with the charge as it came, where the picture has a price. */
const Choice = z.string().regex(/^[\w*:.-]{1,40}$/, 'must be one word of at most 40 letters, digits and "*:.-"')

/** What a call asks of its pictures, and they are charged by. Source: the OpenAI API reference, "Create image" and "Create image edit". */
export const PictureChoices = z.object({
  prompt: z.string().min(1).max(32_000),
  n: z.int().min(1).max(10).nullish(),
  quality: Choice.nullish(),
  size: Choice.nullish(),
  output_format: z.string().nullish(),
  frame_count: z.int().min(2).max(16).nullish(),
  stream: z.boolean().nullish(),
  partial_images: z.int().min(0).max(MAX_PARTIAL_IMAGES).nullish()
})
type PictureChoices = z.infer<typeof PictureChoices>

export const Images = z.looseObject({ data: z.array(z.looseObject({ b64_json: z.string().nullish() })).max(MAX_CHOICES), usage: z.unknown().optional() })
type Images = z.infer<typeof Images>

/** The most that this many pictures count which are shown, whatever they are. */
export function boundSeen(count: number): number {
  return count * seenImageTokens(undefined) * BOUND_FACTOR
}

/** Another model that takes part, as the one that writes an SVG does, is billed beside the pictures: what asks for it, as a refusal names it. */
export function findOtherModel(body: Readonly<Record<string, unknown>>): string | undefined {
  const field = body.svg ? 'svg' : Object.keys(body).find(name => name !== 'metadata' && fieldOf(body[name], 'model') !== undefined)
  if (field) return `The field "${field}", which has another model take part,`
  return body.output_format === 'svg' ? 'The output_format "svg", which another model writes,' : undefined
}

/** The pictures that a call asks for: the most they are, and what came of them. */
export class AskedPictures {
  private readonly most: number

  constructor(private readonly asked: PictureChoices) {
    this.most = asked.n ?? 1
  }

  /** @param inputTokens what is shown and asked */
  bound(inputTokens: number, { servedModel }: Pick<Target, 'servedModel'>) {
    const { quality, size } = this.asked
    const each = boundImageTokens(quality, size, this.frames) * BOUND_FACTOR + this.partial * PARTIAL_IMAGE_TOKENS
    const readings = READS_FOR_EACH.test(servedModel) ? this.most : 1
    return { inputTokens: readings * inputTokens, ...(readings > 1 && { likelyInputTokens: inputTokens }), outputTokens: this.most * each, units: this.pictures(this.most) }
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

  /** Not every model streams: the answer tells. */
  tap(headers: UpstreamResponse['headers']): FinalEventTap | undefined {
    if (!isEventStream(headers)) return undefined
    return new FinalEventTap(FINISHED, this.most * (1 + this.partial) * MAX_ANSWER_BYTES, {
      tokensOf: event => showsPicture(event) ? PARTIAL_IMAGE_TOKENS : 0,
      finalTokens: this.tokensEach(),
      // Who was shown a picture on the way has it, should they leave before it is finished.
      unitsOf: (event, done) => FINISHED.includes(event.type) ? this.pictures(done) : showsPicture(event) ? this.pictures(done + 1) : undefined
    }, this.most)
  }

  /** How many are shown on the way to each. */
  private get partial(): number {
    return this.asked.partial_images ?? 0
  }

  /** How many pictures one of them is drawn of. */
  private get frames(): number {
    return this.asked.frame_count ?? (this.asked.output_format === 'gif' ? UNSAID_FRAMES : 1)
  }

  private pictures(count: number): Units {
    const { quality, size } = this.asked
    return { pictures: { count, quality: quality ?? undefined, size: size ?? undefined } }
  }

  private tokensEach(): number {
    return imageTokens(this.asked.quality, this.asked.size, this.frames)
  }
}

/** Whatever an event is called: who has the picture was shown it. */
function showsPicture({ b64_json: picture }: Readonly<Record<string, unknown>>): boolean {
  return typeof picture === 'string'
}

/** A trace says how large a picture was, not what it showed. */
function withoutPictures({ data, usage }: Images): object {
  return { data: data.map(({ b64_json: picture, url }) => ({ ...(picture && { base64_characters: picture.length }), ...(typeof url === 'string' && { url }) })), usage: storable(usage) }
}
