import { z } from 'zod'
import type { Target } from '../../catalog/target'
import { LoomError } from '../../errors'
import { countTextTokens } from '../count-tokens'
import { plainName } from '../form-parser'
import type { FormPart } from '../form-parser'
import { toOpenAiError } from '../openai-error'
import type { Transport, UpstreamResponse } from '../providers/provider'
import { AskedPictures, boundSeen, PictureChoices, SHOWN } from './asked-pictures'
import { describeForm, FormRequest } from './form-request'
import type { FileForm } from './form-request'
import { seenImageTokens } from './image-tokens'
import { JsonEdit } from './json-edit'
import type { CallRequest, Operation, WholeAnswer } from './operation'
import { parseBody } from './read-json'
import { sendNative } from './send-native'

const digits = z.string().regex(/^\d{1,2}$/, 'must be a whole number').transform(Number)

/** The fields of a form that the hold and the charge go by. */
const EditFields = z.object({
  ...PictureChoices.shape,
  n: digits.pipe(PictureChoices.shape.n.unwrap().unwrap()).optional(),
  frame_count: digits.pipe(PictureChoices.shape.frame_count.unwrap().unwrap()).optional(),
  stream: z.enum(['true', 'false'], 'must be true or false').transform(text => text === 'true').optional(),
  partial_images: digits.pipe(PictureChoices.shape.partial_images.unwrap().unwrap()).optional(),
  input_fidelity: z.string().optional()
})
type EditFields = z.infer<typeof EditFields>

const readFields: ReadonlySet<string> = new Set(['model', ...Object.keys(EditFields.shape)])

/** `POST /v1/images/edits`: pictures from others and a text. The whole form is waited for, wherever its fields stand: how many pictures are asked for is what it costs. In JSON the pictures are named. */
export const imagesEdits: Operation = {
  name: 'images.edits',
  path: '/v1/images/edits',
  scope: 'images',
  takesJson: true,
  parse: raw => new JsonEdit(raw),
  async parseUpload(upload, model) {
    await upload.whole()
    return new EditRequest(upload, model)
  },
  parseDescribed: (fields, fileBytes) => new EditRequest(describeForm(fields, 'image[]', fileBytes)),
  toError: toOpenAiError
}

class EditRequest extends FormRequest implements CallRequest {
  readonly stream: boolean
  readonly unit = 'pictures'
  private readonly fields: EditFields
  private readonly pictures: AskedPictures
  private readonly shown: readonly FormPart[]

  /** @param model that the path names */
  constructor(upload: FileForm, model?: string) {
    super(upload, model)
    const { form } = upload
    for (const part of form.parts) requirePlain(part)
    if (!form.parts.some(part => plainName(part.name) === 'image' && part.fileName !== undefined && part.end > part.start)) throw new LoomError('invalid_request', 'The form has no "image".', { param: 'image' })
    this.fields = parseBody(Object.fromEntries([...readFields].map(name => [name, form.fieldText(name)])), EditFields)
    this.stream = this.fields.stream === true
    this.pictures = new AskedPictures(this.fields)
    this.shown = form.parts.filter(({ name, fileName }) => fileName !== undefined || SHOWN.test(name))
  }

  bound(target: Target) {
    const files = this.shown.reduce((sum, { start, end }) => sum + end - start, 0)
    return this.pictures.bound(this.upload.bytes - files + boundSeen(this.shown.length), target)
  }

  async countInput(): Promise<number> {
    return this.shown.length * seenImageTokens(this.fields.input_fidelity) + await countTextTokens(this.fields.prompt)
  }

  send(target: Target, transport: Transport, signal: AbortSignal) {
    return sendNative('images.edits', 'edits of images', target, { body: { model: this.model }, form: this.formWith(this.modelEdits(target)), stream: false }, transport, signal)
  }

  readAnswer(body: Buffer): WholeAnswer {
    return this.pictures.readAnswer(body)
  }

  tap(headers: UpstreamResponse['headers']) {
    return this.pictures.tap(headers)
  }
}

/** @throws {LoomError} `invalid_request` for a field that is a list, a file or in other letters, where a server may read what was not held for */
function requirePlain({ name, fileName }: FormPart): void {
  const field = plainName(name).toLowerCase()
  if (readFields.has(field) && (field !== name || fileName !== undefined)) throw new LoomError('invalid_request', `"${field}" must be one plain field.`, { param: field })
}
