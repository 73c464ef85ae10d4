import { z } from 'zod'
import type { Target } from '../../catalog/target'
import { LoomError } from '../../errors'
import { countTextTokens } from '../count-tokens'
import type { ModelLimits } from '../estimate-cost'
import { plainName, SPEAKER_REFERENCES, writeField } from '../form-parser'
import type { FormPart } from '../form-parser'
import { toOpenAiError } from '../openai-error'
import type { Transport, UpstreamResponse } from '../providers/provider'
import type { Edit } from '../upload'
import { isEventStream } from './event-tap'
import { FinalEventTap } from './final-event-tap'
import { describeForm, FormRequest, growth } from './form-request'
import type { FileForm } from './form-request'
import { readDuration, readLastCue, readMediaUsage } from './media-usage'
import type { CallRequest, Operation, WholeAnswer } from './operation'
import { sendNative } from './send-native'
import { tellsLengthVerboselyAlone, toBrief, VERBOSE } from './verbose-transcript'

/** More than a week of talk, each word an event. */
const MAX_STREAM_BYTES = 64 * 1024 * 1024
/** Speech of usual quality (128 kbit/s) at about ten tokens a second. */
const USUAL_BYTES_PER_TOKEN = 1_600
const TOKENS_PER_SECOND = 10
/** Source: the OpenAI API reference, "Create transcription", of `known_speaker_references`. */
const MAX_REFERENCE_SECONDS = 10
/** Speech as tightly as phones press it (4 kbit/s). */
const LEAST_BYTES_PER_TOKEN = 50
/** Above what gpt-4o-transcribe may write. */
const MAX_OUTPUT_TOKENS = 4_096
/** A form up to this size is waited for, so that its fields may stand in any order; of a larger one those after the file are too late. */
const SMALL_BYTES = 1024 * 1024
/** Of a streamed transcript, with its usage. */
const LAST_EVENT = 'transcript.text.done'
const FORMAT = 'response_format'
/** Tells nothing of the sound's length. */
const PLAIN_TEXT = 'text'
/** As long a word for an answer that tells it, at OpenAI at least: it fits into a form whose length has been told. */
const BRIEF = 'json'
const TELLING = Buffer.from(BRIEF)

export const Transcript = z.looseObject({ text: z.string(), usage: z.unknown().optional(), duration: z.unknown().optional() })

type HearingName = 'audio.transcriptions' | 'audio.translations'

/** What was said, from a file. The form goes on while it comes, but for the model's name. */
const hearing = (name: HearingName, path: string, longField?: string): Operation => ({
  name,
  path,
  longField,
  scope: 'audio',
  parse: () => {
    throw new LoomError('invalid_request', 'Send the file as multipart/form-data.', { param: 'Content-Type' })
  },
  async parseUpload(upload, model) {
    if (!upload.isAnnounced || upload.bytes <= SMALL_BYTES) await upload.whole()
    await upload.until(form => form.fieldText('model') !== undefined && fileIn(form.parts) !== undefined)
    // What follows the file is no sound of its own, or voices: which of them tells what may be billed.
    if (fileIn(upload.form.parts)?.end !== Infinity) await upload.whole()
    return new HearingRequest(name, upload, model)
  },
  parseDescribed(fields, fileBytes) {
    if (fileBytes.length > 1) throw new LoomError('invalid_request', 'A call to this endpoint uploads one file.', { param: 'file_bytes' })
    const form = describeForm(fields, 'file', fileBytes, longField)
    // As far as it would have come when its call is judged.
    return new HearingRequest(name, { ...form, complete: form.bytes <= SMALL_BYTES })
  },
  toError: toOpenAiError
})

/** `POST /v1/audio/transcriptions`: in the words it was said in. */
export const audioTranscriptions = hearing('audio.transcriptions', '/v1/audio/transcriptions', SPEAKER_REFERENCES)

/** `POST /v1/audio/translations`: in English. */
export const audioTranslations = hearing('audio.translations', '/v1/audio/translations')

/** As people call them. */
const names: Readonly<Record<HearingName, string>> = { 'audio.transcriptions': 'transcription', 'audio.translations': 'translation of sound' }

class HearingRequest extends FormRequest implements CallRequest {
  readonly unit = 'audioMs'
  private readonly file: FormPart
  /** The target it was sent to last was asked for more than the caller wants, for it to tell the sound's length. */
  private isVerbose = false

  /** @param model that the path names */
  constructor(private readonly name: HearingName, upload: FileForm, model?: string) {
    super(upload, model)
    const file = fileIn(upload.form.parts)
    if (!file || (file.end === file.start)) throw new LoomError('invalid_request', 'The form has no "file".', { param: 'file' })
    this.file = file
  }

  /** Known for certain when the file has been sent on: nobody answers before. */
  get stream(): boolean {
    return this.upload.form.fieldText('stream') === 'true'
  }

  bound({ contextWindow = Infinity, maxOutputTokens = MAX_OUTPUT_TOKENS }: ModelLimits) {
    const rest = this.upload.bytes - this.fileBytes - sum(this.references)
    const heard = this.fileBytes + soundIn(sum(this.references))
    return { inputTokens: Math.min(rest + Math.ceil(heard / LEAST_BYTES_PER_TOKEN), contextWindow), outputTokens: maxOutputTokens, units: { audioMs: toMs(heard, LEAST_BYTES_PER_TOKEN) } }
  }

  /** Nobody heard a file that never came whole. */
  measure() {
    return { audioMs: this.upload.complete ? toMs(this.fileBytes, USUAL_BYTES_PER_TOKEN) : 0 }
  }

  async countInput(): Promise<number> {
    if (!this.upload.complete) return 0
    const voices = this.references.map(bytes => Math.min(soundIn(bytes) / USUAL_BYTES_PER_TOKEN, MAX_REFERENCE_SECONDS * TOKENS_PER_SECOND))
    return Math.ceil(this.fileBytes / USUAL_BYTES_PER_TOKEN + sum(voices)) + await countTextTokens(this.upload.form.fieldText('prompt') ?? '')
  }

  /** Where its format is to be changed, which may stand behind the file, it has to be here. */
  async reachable(targets: Target[]): Promise<Target[]> {
    if (targets.some(target => this.tellsLengthVerboselyAlone(target))) await this.upload.whole()
    return targets
  }

  send(target: Target, transport: Transport, signal: AbortSignal) {
    this.isVerbose = this.tellsLengthVerboselyAlone(target) && (!this.format || this.format === PLAIN_TEXT || this.format === BRIEF)
    const edits = this.editsFor(target)
    const form = this.formWith(edits, isTimed(target) && !this.isVerbose ? () => this.readTelling(edits) : undefined)
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
    return new FinalEventTap([LAST_EVENT], MAX_STREAM_BYTES, { unitsOf: event => event.type === LAST_EVENT ? readDuration(event) : undefined })
  }

  /** Its length is the price, and told in a verbose answer alone. */
  private tellsLengthVerboselyAlone(target: Target): boolean {
    return isTimed(target) && tellsLengthVerboselyAlone(this.name, target.connection)
  }

  private get format(): string | undefined {
    return this.upload.form.fieldText(FORMAT)
  }

  /** While more of the form may come, all from the file on. */
  private get fileBytes(): number {
    return !this.upload.complete ? this.upload.bytes - this.file.start : this.file.end - this.file.start
  }

  /**
   * How long the data URLs are that say what speakers sound like. They are held for, and by our own count charged, as sound that is heard: neither OpenAI's reference
   * ("Create transcription"), its guide "Speech to text" nor its prices (2026-11) tell whether it bills them. What it counts itself is charged as it is told, them or not.
   */
  private get references(): number[] {
    return this.upload.form.parts.filter(({ name, fileName, start }) => fileName === undefined && plainName(name) === SPEAKER_REFERENCES && (this.upload.complete || start < this.file.start)).map(({ start, end }) => end - start)
  }

  /** The model under its name upstream, and without those beside it; with the format to ask for. */
  private editsFor(target: Target): Edit[] {
    const edits = this.modelEdits(target)
    if (!this.isVerbose) return edits
    const { contentType, parts } = this.upload.form
    const format = parts.find(isFormat)
    const asked = format ? { start: format.start, end: format.end, text: VERBOSE } : { start: 0, end: 0, text: writeField(contentType, FORMAT, VERBOSE) }
    return [...edits, asked].sort((one, other) => one.start - other.start)
  }

  /** The length of the sound is the price: plain text, wherever the form asks for it, is asked for as JSON. */
  private async* readTelling(edits: readonly Edit[]): AsyncGenerator<Buffer> {
    let at = 0
    for await (const piece of this.readChecked(edits)) {
      yield this.askToTell(piece, at, edits)
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

function fileIn(parts: readonly FormPart[]): FormPart | undefined {
  return parts.find(({ name, fileName }) => name === 'file' && fileName !== undefined)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/** How many bytes of sound are in so many of base64. */
function soundIn(base64Bytes: number): number {
  return base64Bytes * 3 / 4
}

function toMs(bytes: number, bytesPerToken: number): number {
  return Math.ceil(bytes / bytesPerToken / TOKENS_PER_SECOND * 1_000)
}
