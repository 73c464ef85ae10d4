import { z } from 'zod'
import type { Target } from '../../catalog/target'
import { LoomError } from '../../errors'
import { countTextTokens } from '../count-tokens'
import type { ModelLimits } from '../estimate-cost'
import { FormParser, writeField } from '../form-parser'
import type { FormPart } from '../form-parser'
import { toOpenAiError } from '../openai-error'
import { requireOneModel } from '../providers/one-model'
import type { Transport, UpstreamResponse } from '../providers/provider'
import { splitAlternatives } from '../requested-models'
import type { Edit, Upload } from '../upload'
import { isEventStream } from './event-tap'
import { FinalEventTap } from './final-event-tap'
import { readDuration, readLastCue, readMediaUsage } from './media-usage'
import { ModelName } from './model-name'
import type { CallRequest, Operation, WholeAnswer } from './operation'
import { sendNative } from './send-native'
import { tellsLengthVerboselyAlone, toBrief, VERBOSE } from './verbose-transcript'

/** More than a week of talk, each word an event. */
const MAX_STREAM_BYTES = 64 * 1024 * 1024
/** Speech of usual quality (128 kbit/s) at about ten tokens a second. */
const USUAL_BYTES_PER_TOKEN = 1_600
const TOKENS_PER_SECOND = 10
/** Speech as tightly as phones press it (4 kbit/s). */
const LEAST_BYTES_PER_TOKEN = 50
/** Above what gpt-4o-transcribe may write. */
const MAX_OUTPUT_TOKENS = 4_096
/** A form up to this size is waited for, so that its fields may stand in any order; of a larger one those after the file are too late. */
const SMALL_BYTES = 1024 * 1024
const NO_BYTES = Buffer.alloc(0)
/** Between a part and the next delimiter. */
const LINE_END_BYTES = 2
/** Of a form that is only told of. */
const FORM_TYPE = 'multipart/form-data; boundary=loom'
const FILE_HEAD = '--loom\r\ncontent-disposition: form-data; name="file"; filename="file"\r\n\r\n'
const FORM_END = '\r\n--loom--\r\n'
/** Of a streamed transcript, with its usage. */
const LAST_EVENT = 'transcript.text.done'
/** The models to try after the first, as a form has lists. */
const ALTERNATIVES = 'models[]'
const FORMAT = 'response_format'
/** Tells nothing of the sound's length. */
const PLAIN_TEXT = 'text'
/** As long a word for an answer that tells it, at OpenAI at least: it fits into a form whose length has been told. */
const BRIEF = 'json'
const TELLING = Buffer.from(BRIEF)

export const Transcript = z.looseObject({ text: z.string(), usage: z.unknown().optional(), duration: z.unknown().optional() })

type HearingName = 'audio.transcriptions' | 'audio.translations'

/** What was said, from a file. The form goes on while it comes, but for the model's name. */
const hearing = (name: HearingName, path: string): Operation => ({
  name,
  path,
  scope: 'audio',
  parse: () => {
    throw new LoomError('invalid_request', 'Send the file as multipart/form-data.', { param: 'Content-Type' })
  },
  async parseUpload(upload, model) {
    if (!upload.isAnnounced || upload.bytes <= SMALL_BYTES) await upload.whole()
    await upload.until(form => form.fieldText('model') !== undefined && fileIn(form.parts) !== undefined)
    return new HearingRequest(name, upload, model)
  },
  parseDescribed: (fields, fileBytes) => new HearingRequest(name, describeForm(fields, fileBytes)),
  toError: toOpenAiError
})

/** `POST /v1/audio/transcriptions`: in the words it was said in. */
export const audioTranscriptions = hearing('audio.transcriptions', '/v1/audio/transcriptions')

/** `POST /v1/audio/translations`: in English. */
export const audioTranslations = hearing('audio.translations', '/v1/audio/translations')

/** As people call them. */
const names: Readonly<Record<HearingName, string>> = { 'audio.transcriptions': 'transcription', 'audio.translations': 'translation of sound' }

/** A form with a file, as much of it as is known. */
interface FileForm extends Pick<Upload, 'bytes' | 'complete' | 'contentType' | 'read' | 'whole'> {
  readonly form: Pick<FormParser, 'parts' | 'fieldText'>
}

class HearingRequest implements CallRequest {
  readonly model: string
  readonly alternatives: readonly string[] | undefined
  readonly raw = NO_BYTES
  readonly unit = 'audioMs'
  private readonly file: FormPart
  private readonly edited: readonly FormPart[]
  /** The target it was sent to last was asked for more than the caller wants, for it to tell the sound's length. */
  private isVerbose = false

  /** @param model that the path names */
  constructor(private readonly name: HearingName, private readonly upload: FileForm, model?: string) {
    const { parts } = upload.form
    const file = fileIn(parts)
    if (!file || (file.end === file.start)) throw new LoomError('invalid_request', 'The form has no "file".', { param: 'file' })
    this.file = file
    this.edited = parts.filter(({ name, end }) => (name === 'model' || name === ALTERNATIVES) && end !== Infinity)
    const models = this.edited.filter(({ name }) => name === ALTERNATIVES).map(({ text }) => text)
    const { body, alternatives } = splitAlternatives({ ...(models.length > 0 && { models }), model: model ?? upload.form.fieldText('model') })
    this.model = readModel(body)
    this.alternatives = alternatives
  }

  /** Known for certain when the file has been sent on: nobody answers before. */
  get stream(): boolean {
    return this.upload.form.fieldText('stream') === 'true'
  }

  get bodyBytes(): number {
    return this.upload.bytes
  }

  bound({ contextWindow = Infinity, maxOutputTokens = MAX_OUTPUT_TOKENS }: ModelLimits) {
    const rest = this.upload.bytes - this.fileBytes
    return { inputTokens: Math.min(rest + Math.ceil(this.fileBytes / LEAST_BYTES_PER_TOKEN), contextWindow), outputTokens: maxOutputTokens, units: { audioMs: toMs(this.fileBytes, LEAST_BYTES_PER_TOKEN) } }
  }

  /** Nobody heard a file that never came whole. */
  measure() {
    return { audioMs: this.upload.complete ? toMs(this.fileBytes, USUAL_BYTES_PER_TOKEN) : 0 }
  }

  async countInput(): Promise<number> {
    if (!this.upload.complete) return 0
    return Math.ceil(this.fileBytes / USUAL_BYTES_PER_TOKEN) + await countTextTokens(this.upload.form.fieldText('prompt') ?? '')
  }

  /** Where its format is to be changed, which may stand behind the file, it has to be here. */
  async reachable(targets: Target[]): Promise<Target[]> {
    if (targets.some(target => this.tellsLengthVerboselyAlone(target))) await this.upload.whole()
    return targets
  }

  send(target: Target, transport: Transport, signal: AbortSignal) {
    this.isVerbose = this.tellsLengthVerboselyAlone(target) && (!this.format || this.format === PLAIN_TEXT || this.format === BRIEF)
    const edits = this.editsFor(target)
    const isToTell = isTimed(target) && !this.isVerbose
    const form = {
      contentType: this.upload.contentType,
      bytes: this.upload.bytes + edits.reduce((sum, edit) => sum + growth(edit), 0),
      read: () => this.readChecked(edits, isToTell)
    }
    // Whether it streams may stand behind the file, and not every model heeds it: the answer tells.
    return sendNative(this.name, names[this.name], target, { body: { model: this.model }, form, stream: false }, transport, signal)
  }

  /** Subtitles and plain text that come as such tell no usage; what was asked for as JSON to learn of it is plain text for the caller. */
  readAnswer(body: Buffer, headers: UpstreamResponse['headers']): WholeAnswer {
    const contentType = headers['content-type'] ?? 'application/json'
    if (!contentType.startsWith('application/json')) {
      const text = body.toString('utf8')
      return { contentType, usage: undefined, rawUsage: undefined, units: this.format === PLAIN_TEXT ? undefined : readLastCue(text), text: () => text, finish: () => body }
    }
    const answer = Transcript.parse(JSON.parse(body.toString('utf8')))
    const told = { usage: readMediaUsage(answer.usage), rawUsage: answer.usage, units: readDuration(answer), text: () => answer.text }
    if (this.format === PLAIN_TEXT) return { ...told, contentType: 'text/plain; charset=utf-8', finish: () => Buffer.from(`${answer.text}\n`) }
    return { ...told, contentType, finish: () => this.isVerbose ? Buffer.from(JSON.stringify(toBrief(answer))) : body }
  }

  tap(headers: UpstreamResponse['headers']) {
    if (!isEventStream(headers)) return undefined
    return new FinalEventTap(LAST_EVENT, MAX_STREAM_BYTES, { unitsOf: event => event.type === LAST_EVENT ? readDuration(event) : undefined })
  }

  record(): Buffer {
    return Buffer.from(JSON.stringify(Object.fromEntries(this.upload.form.parts.map(({ name, fileName, contentType, text, start, end }) => [name, fileName === undefined
      ? text
      : { file_name: fileName, content_type: contentType, bytes: end === Infinity ? null : end - start }]))))
  }

  /** Its length is the price, and told in a verbose answer alone. */
  private tellsLengthVerboselyAlone(target: Target): boolean {
    return isTimed(target) && tellsLengthVerboselyAlone(this.name, target.connection)
  }

  private get format(): string | undefined {
    return this.upload.form.fieldText(FORMAT)
  }

  private get fileBytes(): number {
    return this.file.end === Infinity ? this.upload.bytes - this.file.start : this.file.end - this.file.start
  }

  /** The model under its name upstream, and without those beside it; with the format to ask for. */
  private editsFor({ upstreamModel }: Target): Edit[] {
    const { contentType, form: { parts } } = this.upload
    const format = parts.find(isFormat)
    const asked = format ? { start: format.start, end: format.end, text: VERBOSE } : { start: 0, end: 0, text: writeField(contentType, FORMAT, VERBOSE) }
    const edits = this.edited.map(part => part.name === 'model'
      ? { start: part.start, end: part.end, text: upstreamModel }
      : { start: part.from, end: parts[parts.indexOf(part) + 1]?.from ?? part.end + LINE_END_BYTES, text: '' })
    const named = this.edited.some(({ name }) => name === 'model') ? edits : [{ start: 0, end: 0, text: writeField(contentType, 'model', upstreamModel) }, ...edits]
    return this.isVerbose ? [...named, asked].sort((one, other) => one.start - other.start) : named
  }

  /**
   * @param isToTell the length of the sound is the price: plain text, wherever the form asks for it, is asked for as JSON
   * @throws {LoomError} `invalid_request` for a list of models that comes too late to be heeded, and for what tells a server of others, before the provider has the last of the form
   */
  private async* readChecked(edits: readonly Edit[], isToTell: boolean): AsyncGenerator<Buffer> {
    let at = 0
    for await (const piece of this.upload.read(edits)) {
      const late = this.upload.form.parts.some(part => part.name === ALTERNATIVES && !this.edited.includes(part))
      if (late) throw new LoomError('invalid_request', `"${ALTERNATIVES}" must stand before the file in a form this large.`, { param: ALTERNATIVES })
      requireOneModel(Object.fromEntries(this.upload.form.parts.map(({ name, text }) => [name.replace(/\[.*/, ''), text])))
      yield isToTell ? this.askToTell(piece, at, edits) : piece
      at += piece.length
    }
  }

  /** A piece of the form as it is sent, from `at` on. A field is known before its last bytes are let through. */
  private askToTell(piece: Buffer, at: number, edits: readonly Edit[]): Buffer {
    const part = this.upload.form.parts.find(part => isFormat(part) && part.text === PLAIN_TEXT)
    if (!part) return piece
    const start = part.start + edits.filter(edit => edit.start < part.start).reduce((sum, edit) => sum + growth(edit), 0) - at
    if (start + TELLING.length <= 0 || start >= piece.length) return piece
    const changed = Buffer.from(piece)
    for (const [index, byte] of TELLING.entries()) if (changed[start + index] !== undefined) changed[start + index] = byte
    return changed
  }
}

/** A server that takes files and fields apart heeds none in a file. */
function isFormat({ name, fileName }: FormPart): boolean {
  return name === FORMAT && fileName === undefined
}

/** The length of the sound is the price. */
function isTimed({ price }: Target): boolean {
  return price?.units?.audioMs !== undefined
}

/** By how many bytes an edit makes a form longer. */
function growth({ start, end, text }: Edit): number {
  return Buffer.byteLength(text) - (end - start)
}

/** As far of a form as it would have come when its call is judged. */
function describeForm(fields: Record<string, unknown>, fileBytes: number): FileForm {
  const form = new FormParser(FORM_TYPE)
  const texts = Object.entries(fields).flatMap(([name, value]) => Array.isArray(value) ? value.map(item => writeField(FORM_TYPE, `${name}[]`, textOf(item))) : writeField(FORM_TYPE, name, textOf(value)))
  form.push(Buffer.from(texts.join('') + FILE_HEAD))
  const file = fileIn(form.parts)
  if (file) file.end = file.start + fileBytes
  const bytes = (file?.end ?? 0) + FORM_END.length
  return {
    form, bytes, contentType: FORM_TYPE, complete: bytes <= SMALL_BYTES,
    whole: () => Promise.resolve(),
    read: () => {
      throw new Error('A form that was only told of cannot be sent')
    }
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function fileIn(parts: readonly FormPart[]): FormPart | undefined {
  return parts.find(({ name, fileName }) => name === 'file' && fileName !== undefined)
}

function toMs(bytes: number, bytesPerToken: number): number {
  return Math.ceil(bytes / bytesPerToken / TOKENS_PER_SECOND * 1_000)
}

const Named = z.object({ model: ModelName })

function readModel(body: unknown): string {
  const parsed = Named.safeParse(body)
  if (parsed.success) return parsed.data.model
  throw new LoomError('invalid_request', 'The form has no proper "model".', { param: 'model', cause: parsed.error })
}
