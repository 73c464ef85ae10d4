import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Target } from '../../catalog/target'
import { LoomError } from '../../errors'
import { FormParser, plainName, writeField } from '../form-parser'
import type { FormPart } from '../form-parser'
import { requireOneModel } from '../providers/one-model'
import type { ProviderRequest } from '../providers/provider'
import { splitAlternatives } from '../requested-models'
import type { Edit, Upload } from '../upload'
import { ModelName } from './model-name'

const NO_BYTES = Buffer.alloc(0)
/** Between a part and the next delimiter. */
const LINE_END_BYTES = 2
/** The models to try after the first, as a form has lists. */
const ALTERNATIVES = 'models[]'
/** What some read models from, however it is spelled. */
const MODELS: ReadonlySet<string> = new Set(['model', 'models'])
/** Of a form that is only told of. Nobody can have it in a field. */
const BOUNDARY = randomBytes(6).toString('base64url')
const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`
const FORM_END = `--${BOUNDARY}--\r\n`
const describedFile = (name: string) => `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"; filename="file"\r\n\r\n\r\n`

/** A form with files, as much of it as is known. */
export interface FileForm extends Pick<Upload, 'bytes' | 'complete' | 'read' | 'whole'> {
  readonly form: Pick<FormParser, 'contentType' | 'parts' | 'fieldText'>
}

/** What the request of every operation that takes files has: the form, of which little is in memory, and the models it names. */
export abstract class FormRequest {
  readonly model: string
  readonly alternatives: readonly string[] | undefined
  readonly raw = NO_BYTES
  private readonly edited: readonly FormPart[]

  /**
   * @param model that the path names
   * @throws {LoomError} `invalid_request` when it names no model
   */
  constructor(protected readonly upload: FileForm, model?: string) {
    this.edited = upload.form.parts.filter(({ name, end }) => (name === 'model' || name === ALTERNATIVES) && end !== Infinity)
    const models = this.edited.filter(({ name }) => name === ALTERNATIVES).map(({ text }) => text)
    const { body, alternatives } = splitAlternatives({ ...(models.length > 0 && { models }), model: model ?? upload.form.fieldText('model') })
    this.model = readModel(body)
    this.alternatives = alternatives
  }

  get bodyBytes(): number {
    return this.upload.bytes
  }

  /** The fields, and of each file what it is called and how long it is; that alone of a long field. */
  record(): Buffer {
    const { parts } = this.upload.form
    const described = parts.map((part) => {
      const list = parts.filter(({ name }) => name === part.name)
      return [part.name, list.length > 1 || part.name.endsWith('[]') ? list.map(describePart) : describePart(part)]
    })
    return Buffer.from(JSON.stringify(Object.fromEntries(described)))
  }

  /** The form with these pieces in place of others. */
  protected formWith(edits: readonly Edit[], read: () => AsyncIterable<Buffer> = () => this.readChecked(edits)): NonNullable<ProviderRequest['form']> {
    return { contentType: this.upload.form.contentType, bytes: this.upload.bytes + edits.reduce((sum, edit) => sum + growth(edit), 0), read }
  }

  /** The model under its name upstream, and without those beside it. */
  protected modelEdits({ upstreamModel }: Target): Edit[] {
    const { contentType, parts } = this.upload.form
    const edits = this.edited.map(part => part.name === 'model'
      ? { start: part.start, end: part.end, text: upstreamModel }
      : { start: part.from, end: parts[parts.indexOf(part) + 1]?.from ?? part.end + LINE_END_BYTES, text: '' })
    return this.edited.some(({ name }) => name === 'model') ? edits : [{ start: 0, end: 0, text: writeField(contentType, 'model', upstreamModel) }, ...edits]
  }

  /** @throws {LoomError} `invalid_request` for a list of models that comes too late to be heeded, and for what tells a server of others, before the provider has the last of the form */
  protected async* readChecked(edits: readonly Edit[]): AsyncGenerator<Buffer> {
    for await (const piece of this.upload.read(edits)) {
      const { parts } = this.upload.form
      const late = parts.some(part => part.name === ALTERNATIVES && !this.edited.includes(part))
      if (late) throw new LoomError('invalid_request', `"${ALTERNATIVES}" must stand before the file in a form this large.`, { param: ALTERNATIVES })
      const unclear = parts.find(({ name }) => name !== 'model' && name !== ALTERNATIVES && MODELS.has(plainName(name).toLowerCase()))
      if (unclear) throw new LoomError('invalid_request', `"${unclear.name}" is not taken. Name the model in "model", and those to try next in "${ALTERNATIVES}".`, { param: unclear.name })
      requireOneModel(Object.fromEntries(parts.map(({ name, text }) => [plainName(name), text ?? ''])))
      yield piece
    }
  }
}

/** By how many bytes an edit makes a form longer. */
export function growth({ start, end, text }: Edit): number {
  return Buffer.byteLength(text) - (end - start)
}

/**
 * A form that is told of and not sent.
 * @param field that its files are in
 * @param longField see `FormParser`
 */
export function describeForm(fields: Record<string, unknown>, field: string, fileBytes: readonly number[], longField?: string): FileForm {
  const form = new FormParser(FORM_TYPE, longField)
  const texts = Object.entries(fields).flatMap(([name, value]) => Array.isArray(value) ? value.map(item => writeField(FORM_TYPE, `${name}[]`, textOf(item))) : writeField(FORM_TYPE, name, textOf(value)))
  const written = Buffer.from([...texts, ...fileBytes.map(() => describedFile(field)), FORM_END].join(''))
  form.push(written)
  for (const [index, file] of form.parts.slice(-fileBytes.length).entries()) file.end = file.start + (fileBytes[index] ?? 0)
  return {
    form, bytes: fileBytes.reduce((sum, bytes) => sum + bytes, written.length), complete: true,
    whole: () => Promise.resolve(),
    read: () => {
      throw new Error('A form that was only told of cannot be sent')
    }
  }
}

function describePart({ fileName, contentType, text, start, end }: FormPart): unknown {
  return text ?? { file_name: fileName, content_type: contentType, bytes: end === Infinity ? null : end - start }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const Named = z.object({ model: ModelName })

function readModel(body: unknown): string {
  const parsed = Named.safeParse(body)
  if (parsed.success) return parsed.data.model
  throw new LoomError('invalid_request', 'The form has no proper "model".', { param: 'model', cause: parsed.error })
}
