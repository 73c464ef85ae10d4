import { Readable } from 'node:stream'
import { z } from 'zod'
import type { FormParser } from '../form-parser'
import { toTokens } from './demo-answer'
import { readDemoForm, readDemoRequest } from './demo-request'
import type { ProviderCall } from './provider'
import { jsonResponse } from './translated-response'

/** Sound of usual quality (128 kbit/s) at about ten tokens a second. */
const BYTES_PER_TOKEN = 1_600
const BYTES_PER_SECOND = 16_000

const TranscriptionFields = z.object({
  response_format: z.enum(['json', 'text', 'srt', 'verbose_json', 'vtt'], 'the demo model writes json, text, srt, verbose_json or vtt').default('json'),
  timestamp_granularities: z.array(z.enum(['word', 'segment'], 'is word or segment'))
})

/** What is said from one second of the sound to another. */
interface Span { text: string, start: number, end: number }

/** What is asked for of a sound, as a verbose transcript calls it. */
type Task = 'transcribe' | 'translate'

/**
 * The demo model understands nothing of a sound but its size, and says so, in English and in any format.
 * Source of the formats: the OpenAI API reference, "Create transcription" and "Create translation".
 */
export const hear = (task: Task): ProviderCall => async (_connection, { form }, _transport, signal) => {
  const { fields, bytes } = readFields(await readDemoForm(form, signal))
  const sentences = [`The demo model got a sound of ${bytes} bytes and understands no word of it.`, `Connect a provider to have sound ${task}d.`]
  const text = sentences.join(' ')
  const seconds = Math.ceil(bytes / BYTES_PER_SECOND * 1_000) / 1_000
  switch (fields.response_format) {
    case 'json': return jsonResponse({ status: 200, headers: {} }, { text, usage: countTokens(bytes, text) })
    case 'verbose_json': return jsonResponse({ status: 200, headers: {} }, describe(task, text, sentences, seconds, fields.timestamp_granularities))
    case 'text': return textResponse(`${text}\n`)
    case 'srt': return textResponse(spread(sentences, seconds).map((span, index) => `${index + 1}\n${cue(span, ',')}\n`).join('\n'))
    case 'vtt': return textResponse(`WEBVTT\n\n${spread(sentences, seconds).map(span => `${cue(span, '.')}\n`).join('\n')}`)
  }
}

function readFields(form: FormParser) {
  const fields = readDemoRequest(TranscriptionFields, {
    response_format: form.fieldText('response_format'),
    timestamp_granularities: form.parts.filter(({ name }) => name === 'timestamp_granularities[]').map(({ text }) => text)
  })
  const file = form.parts.find(({ fileName }) => fileName !== undefined)
  return { fields, bytes: file ? file.end - file.start : 0 }
}

function countTokens(bytes: number, text: string): object {
  const input = Math.ceil(bytes / BYTES_PER_TOKEN)
  const output = toTokens(text).length
  return { type: 'tokens', input_tokens: input, output_tokens: output, total_tokens: input + output }
}

function describe(task: Task, text: string, sentences: readonly string[], seconds: number, granularities: readonly string[]): object {
  const segments = spread(sentences, seconds).map((span, id) => ({ id, seek: 0, ...span, tokens: [], temperature: 0, avg_logprob: 0, compression_ratio: 1, no_speech_prob: 0 }))
  return {
    task,
    language: 'english',
    duration: seconds,
    text,
    ...(granularities.includes('word') && { words: spread(text.split(' '), seconds).map(({ text: word, start, end }) => ({ word, start, end })) }),
    ...((granularities.length === 0 || granularities.includes('segment')) && { segments }),
    usage: { type: 'duration', seconds: Math.ceil(seconds) }
  }
}

/** The texts one after another, each for a part of the time by its length. */
function spread(texts: readonly string[], seconds: number): Span[] {
  const whole = texts.reduce((sum, text) => sum + text.length, 0)
  let before = 0
  return texts.map((text) => {
    const start = seconds * before / whole
    before += text.length
    return { text, start, end: seconds * before / whole }
  })
}

/** Sources: the W3C's "WebVTT", whose times have a point; SubRip's, which have a comma. */
function cue({ text, start, end }: Span, decimalMark: string): string {
  const time = (seconds: number) => new Date(Math.round(seconds * 1_000)).toISOString().slice('1970-01-01T'.length, -1).replace('.', decimalMark)
  return `${time(start)} --> ${time(end)}\n${text}`
}

function textResponse(text: string) {
  return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: Readable.from([Buffer.from(text)], { objectMode: false }) }
}
