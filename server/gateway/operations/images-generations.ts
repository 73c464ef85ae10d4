import { z } from 'zod'
import type { Target } from '../../catalog/target'
import { countTextTokens } from '../count-tokens'
import { toOpenAiError } from '../openai-error'
import type { Transport, UpstreamResponse } from '../providers/provider'
import { AskedPictures, findOtherModel, PictureChoices } from './asked-pictures'
import { JsonRequest } from './json-request'
import { ModelName } from './model-name'
import type { CallRequest, Operation, WholeAnswer } from './operation'
import { sendNative } from './send-native'

export const ImagesBody = z.looseObject({ model: ModelName, ...PictureChoices.shape })
type ImagesBody = z.infer<typeof ImagesBody>

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
  private readonly pictures = new AskedPictures(this.body)

  bound(target: Target) {
    return this.pictures.bound(this.raw.length, target)
  }

  unpriced() {
    return findOtherModel(this.body)
  }

  countInput() {
    return countTextTokens(this.body.prompt)
  }

  send(target: Target, transport: Transport, signal: AbortSignal) {
    return sendNative('images.generations', 'images', target, { body: this.body, stream: false }, transport, signal)
  }

  readAnswer(body: Buffer): WholeAnswer {
    return this.pictures.readAnswer(body)
  }

  tap(headers: UpstreamResponse['headers']) {
    return this.pictures.tap(headers)
  }
}
