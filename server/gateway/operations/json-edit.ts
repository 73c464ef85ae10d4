import { z } from 'zod'
import type { Target } from '../../catalog/target'
import { LoomError } from '../../errors'
import { countTextTokens } from '../count-tokens'
import { readDataUrl } from '../providers/data-url'
import type { Transport, UpstreamResponse } from '../providers/provider'
import { AskedPictures, boundSeen, findOtherModel, PictureChoices, SHOWN } from './asked-pictures'
import { seenImageTokens } from './image-tokens'
import { JsonRequest } from './json-request'
import { ModelName } from './model-name'
import type { CallRequest, WholeAnswer } from './operation'
import { sendNative } from './send-native'

/** As many as OpenAI's models take. */
const MAX_PICTURES = 16

const Address = z.string().refine(url => /^https?:\/\//i.test(url) || readDataUrl(url) !== undefined, 'must be an https address or a data URL in base64').describe('An `https` address, or a data URL in base64.')

/** A picture that whoever answers looks up: nothing here ever does. Source: OpenAI's OpenAPI description, `EditImageBodyJsonParam` and `ImageRefParam`, read 2026-11. */
const Reference = z.union([
  z.strictObject({ image_url: Address }),
  z.strictObject({ file_id: z.string().min(1) })
], 'must be { "image_url": … } or { "file_id": … }')
type Reference = z.infer<typeof Reference>

const shownFields = { images: z.array(Reference).min(1).max(MAX_PICTURES), mask: Reference.nullish(), markup: Reference.nullish() }

export const JsonEditBody = z.looseObject({ model: ModelName, ...PictureChoices.shape, ...shownFields, input_fidelity: z.string().nullish() })
type JsonEditBody = z.infer<typeof JsonEditBody>

/** An edit that names its pictures by their addresses, or has them in data URLs. */
export class JsonEdit extends JsonRequest<JsonEditBody> implements CallRequest {
  readonly stream = this.body.stream === true
  readonly unit = 'pictures'
  private readonly pictures = new AskedPictures(this.body)
  private readonly shown: readonly Reference[] = [...this.body.images, this.body.mask ?? [], this.body.markup ?? []].flat()

  /** @throws {LoomError} `invalid_request`, for a picture in another field, too, where a server may see what was not held for */
  constructor(raw: Buffer) {
    super(raw, JsonEditBody)
    const stray = Object.keys(this.body).find(name => SHOWN.test(name) && !Object.hasOwn(shownFields, name))
    if (stray !== undefined) throw new LoomError('invalid_request', 'Name the pictures in "images", and what lies over the first in "mask" or "markup".', { param: stray })
  }

  /** Of a data URL only the letters are known, of another not even those: each picture is the most that one may be. */
  bound(target: Target) {
    const inData = this.shown.reduce((sum, reference) => sum + dataBytes(reference), 0)
    return this.pictures.bound(this.raw.length - inData + boundSeen(this.shown.length), target)
  }

  unpriced() {
    return findOtherModel(this.body)
  }

  async countInput(): Promise<number> {
    return this.shown.length * seenImageTokens(this.body.input_fidelity) + await countTextTokens(this.body.prompt)
  }

  /** @throws {LoomError} `invalid_request` for an upload at a connection of the platform's, too, where those of all orgs would be */
  send(target: Target, transport: Transport, signal: AbortSignal) {
    if (target.connection.isShared && this.shown.some(reference => 'file_id' in reference)) {
      throw new LoomError('invalid_request', '"file_id" is not taken over a connection that all organisations share. Send the picture as a data URL, or ask over a connection of your own.', { param: 'file_id' })
    }
    return sendNative('images.edits', 'edits of images', target, { body: this.body, stream: false }, transport, signal)
  }

  readAnswer(body: Buffer): WholeAnswer {
    return this.pictures.readAnswer(body)
  }

  tap(headers: UpstreamResponse['headers']) {
    return this.pictures.tap(headers)
  }

  /** The body as it came, but for what is in its data URLs: how long that is. Some clients (PHP's) escape each slash. */
  record(): Buffer {
    return Buffer.from(this.shown.reduce((text, reference) => {
      const data = dataOf(reference)
      if (!data || !('image_url' in reference)) return text
      const url = JSON.stringify(reference.image_url)
      const told = `"data:${data.mediaType};base64,<${data.base64.length} characters>"`
      return text.replaceAll(url, told).replaceAll(url.replaceAll('/', '\\/'), told)
    }, this.raw.toString('utf8')))
  }
}

function dataOf(reference: Reference): ReturnType<typeof readDataUrl> {
  return 'image_url' in reference ? readDataUrl(reference.image_url) : undefined
}

/** What of the body is a picture, not text. */
function dataBytes(reference: Reference): number {
  return Buffer.byteLength(dataOf(reference)?.base64 ?? '')
}
