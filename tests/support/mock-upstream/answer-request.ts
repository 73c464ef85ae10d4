import { z } from 'zod'
import { anthropicAnswer, anthropicError, anthropicErrorEvent, anthropicEvents } from './anthropic-answer'
import type { MockBehaviour } from './behaviour'
import { textPieces } from './behaviour'
import { googleAnswer, googleError, googleErrorEvent, googleEvents } from './google-answer'
import { completionsAnswer, completionsEvents, openaiAnswer, openaiError, openaiErrorEvent, openaiEvents } from './openai-answer'
import { batchEmbedAnswer, embeddingsAnswer, imageEvents, imagesAnswer, moderationsAnswer, rerankAnswer, transcriptAnswer, transcriptEvents, translationAnswer } from './media-answer'
import { responsesAnswer, responsesErrorEvent, responsesEvents } from './responses-answer'
import type { MockAnswer } from './send-answer'

/** What the mock reads of a request's body. Azure and Google name the model in the path. */
export const MockRequest = z.looseObject({
  model: z.string().default('mock'),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish()
})
export type MockRequest = z.infer<typeof MockRequest>

interface Dialect {
  answer: (behaviour: MockBehaviour, request: MockRequest) => unknown
  events: (behaviour: MockBehaviour, request: MockRequest) => string[]
  error: (status: number) => unknown
  errorEvent: () => string
  /** The answer is sound, not JSON. */
  sounds?: true
}

const openai: Dialect = {
  answer: (behaviour, { model }) => openaiAnswer(behaviour, model),
  events: (behaviour, { model, stream_options: options }) => openaiEvents(behaviour, model, options?.include_usage === true),
  error: openaiError,
  errorEvent: openaiErrorEvent
}
const anthropic: Dialect = {
  answer: (behaviour, { model }) => anthropicAnswer(behaviour, model),
  events: (behaviour, { model }) => anthropicEvents(behaviour, model),
  error: anthropicError,
  errorEvent: anthropicErrorEvent
}
const google: Dialect = {
  answer: (behaviour, { model }) => googleAnswer(behaviour, model),
  events: (behaviour, { model }) => googleEvents(behaviour, model),
  error: googleError,
  errorEvent: googleErrorEvent
}

const completions: Dialect = {
  ...openai,
  answer: (behaviour, { model }) => completionsAnswer(behaviour, model),
  events: (behaviour, { model, stream_options: options }) => completionsEvents(behaviour, model, options?.include_usage === true)
}
const responses: Dialect = {
  ...openai,
  answer: (behaviour, { model }) => responsesAnswer(behaviour, model),
  events: (behaviour, { model }) => responsesEvents(behaviour, model),
  errorEvent: responsesErrorEvent
}
const responseTokens: Dialect = { ...openai, answer: ({ usage }) => ({ object: 'response.input_tokens', input_tokens: usage ? usage.inputTokens : 0 }) }
const googleTokens: Dialect = { ...google, answer: ({ usage }) => ({ totalTokens: usage ? usage.inputTokens : 0 }) }
const messageTokens: Dialect = { ...anthropic, answer: ({ usage }) => ({ input_tokens: usage ? usage.inputTokens : 0 }) }

const googlePath = /\/models\/([^/:]+):(generateContent|streamGenerateContent|batchEmbedContents|countTokens)$/

const dialects: readonly (readonly [path: RegExp, dialect: Dialect])[] = [
  [/\/chat\/completions$/, openai],
  [/\/completions$/, completions],
  [/\/responses$/, responses],
  [/\/responses\/input_tokens$/, responseTokens],
  [/\/messages$/, anthropic],
  [/\/messages\/count_tokens$/, messageTokens],
  [/:countTokens$/, googleTokens],
  [/:batchEmbedContents$/, { ...google, answer: batchEmbedAnswer }],
  [googlePath, google],
  [/\/embeddings$/, { ...openai, answer: embeddingsAnswer }],
  [/\/images\/generations$/, { ...openai, answer: imagesAnswer, events: imageEvents('image_generation') }],
  [/\/images\/edits$/, { ...openai, answer: imagesAnswer, events: imageEvents('image_edit') }],
  [/\/audio\/speech$/, { ...openai, sounds: true }],
  [/\/audio\/transcriptions$/, { ...openai, answer: transcriptAnswer, events: transcriptEvents }],
  [/\/audio\/translations$/, { ...openai, answer: translationAnswer }],
  [/\/moderations$/, { ...openai, answer: moderationsAnswer }],
  [/\/rerank$/, { ...openai, answer: rerankAnswer }]
]

/** The request with what its path tells of it. */
export async function readRequest(path: string, body: Buffer, contentType = ''): Promise<MockRequest> {
  const [, model, method] = googlePath.exec(pathOf(path)) ?? []
  const request = MockRequest.parse(contentType.startsWith('multipart/') ? await readForm(body, contentType) : JSON.parse(body.toString()))
  return model === undefined ? request : { ...request, model: decodeURIComponent(model), stream: method === 'streamGenerateContent' }
}

/** A form's fields, read by another parser than ours; of a file its name and size. */
async function readForm(body: Buffer, contentType: string): Promise<Record<string, unknown>> {
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData()
  const fields = [...form.entries()].map(([name, value]) => [name, typeof value === 'string' ? value : { fileName: value.name, bytes: value.size }])
  return { ...Object.fromEntries(fields), stream: form.get('stream') === 'true' }
}

/** The dialect of a path; undefined where no provider would answer. */
export function dialectOf(path: string): Dialect | undefined {
  const pathname = pathOf(path)
  return dialects.find(([pattern]) => pattern.test(pathname))?.[1]
}

/** The answer to a request, or its error, before anything goes wrong with sending it. */
export function answerRequest(dialect: Dialect = openai, request: MockRequest, behaviour: MockBehaviour): MockAnswer {
  const errorEvent = dialect.errorEvent()
  if (behaviour.status >= 300) {
    return { streamed: false, pieces: [Buffer.from(behaviour.errorBody ?? JSON.stringify(dialect.error(behaviour.status)))], errorEvent }
  }
  if (dialect.sounds && request.stream_format !== 'sse') return { streamed: false, contentType: 'audio/mpeg', pieces: textPieces(behaviour).map(piece => Buffer.from(piece)), errorEvent }
  if (request.stream) return { streamed: true, pieces: dialect.events(behaviour, request).map(event => Buffer.from(event)), errorEvent }
  const answer = dialect.answer(behaviour, request)
  if (typeof answer === 'string') return { streamed: false, contentType: 'text/plain; charset=utf-8', pieces: [Buffer.from(answer)], errorEvent }
  return { streamed: false, pieces: [Buffer.from(JSON.stringify(answer))], errorEvent }
}

function pathOf(path: string): string {
  return new URL(path, 'http://mock').pathname
}
