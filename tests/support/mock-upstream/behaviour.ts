import { z } from 'zod'

/** How the mock answers one request. Everything has a default: `{}` is a quick, correct, short answer. */
export const MockBehaviour = z.strictObject({
  /** Of a response, behind `resp_`, of what it says, behind `msg_`, and of what it thinks, behind `rs_`. */
  id: z.string().default('mock'),
  /** The answer's text, cut into `chunks` pieces when streamed. Without it: `chunks` × `chunkBytes` bytes of filler. */
  text: z.string().optional(),
  chunks: z.number().int().min(1).default(5),
  chunkBytes: z.number().int().min(1).default(8),
  reasoning: z.string().optional(),
  /** Where chat completions show it. */
  reasoningField: z.enum(['reasoning_content', 'reasoning']).default('reasoning_content'),
  /** Of the conversation, written before the answer. Anthropic's dialect alone, which counts it nowhere before the end. */
  summary: z.string().optional(),
  /** `data:` URLs, as servers that make pictures send them beside the text. */
  images: z.array(z.string()).default([]),
  /** `arguments` is sent as it stands, valid JSON or not. Anthropic's dialect sends a `text` before them. */
  toolCalls: z.array(z.strictObject({ name: z.string(), arguments: z.string() })).default([]),
  /** How a stream of chat completions tells its calls apart: by their index, or as some servers do, by their ids alone. */
  callIndexes: z.enum(['own', 'shared', 'none']).default('own'),
  finishReason: z.enum(['stop', 'length', 'content_filter']).default('stop'),
  /** Before the status line. */
  firstByteDelayMs: z.number().min(0).default(0),
  /** Between streamed chunks. */
  chunkIntervalMs: z.number().min(0).default(0),
  /** false: the answer tells no usage. Input includes the cached tokens. */
  usage: z.union([z.literal(false), z.strictObject({
    inputTokens: z.number().int().min(0).default(10),
    outputTokens: z.number().int().min(0).default(20),
    cachedInputTokens: z.number().int().min(0).default(0),
    cacheWriteTokens: z.number().int().min(0).default(0),
    reasoningTokens: z.number().int().min(0).default(0),
    /** Of the input, pictures; images alone tell them. */
    imageTokens: z.number().int().min(0).optional()
  })]).default({ inputTokens: 10, outputTokens: 20, cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }),
  /** From 400 on, the body is an error in the dialect of the request, or `errorBody` as it stands. */
  status: z.number().int().min(200).max(599).default(200),
  errorBody: z.string().optional(),
  /** Added to the answer, e.g. `retry-after`. */
  headers: z.record(z.string(), z.string()).default({}),
  fault: z.enum([
    'reset', // the connection is reset before any answer
    'never-answers', // headers never come
    'garbage', // 200, and a body that is not the JSON it claims to be
    'invalid-utf8', // 200, and bytes that are no UTF-8 inside the text
    'half', // half of the body, then the connection is reset
    'stalls', // half of the body, then silence
    'error-event', // half of a stream, then an error event of the dialect
    'error-first', // 200, and a stream that is an error event of the dialect alone
    'no-end' // a stream that closes cleanly without its last event
  ]).optional()
})
export type MockBehaviour = z.infer<typeof MockBehaviour>
export type MockBehaviourInput = z.input<typeof MockBehaviour>

/** A model name that carries a behaviour: what a test cannot tell the mock otherwise, it says in the request. */
export function mockModel(behaviour: MockBehaviourInput): string {
  return `mock:${JSON.stringify(behaviour)}`
}

/** The behaviour that a model name carries; any other name gets the defaults. */
export function behaviourOfModel(model: string): MockBehaviour {
  return MockBehaviour.parse(model.startsWith('mock:') ? JSON.parse(model.slice('mock:'.length)) : {})
}

/** The answer's text in as many pieces as it is streamed in. */
export function textPieces({ text, chunks, chunkBytes }: MockBehaviour): string[] {
  if (text === undefined) return Array.from({ length: chunks }, (_, index) => filler(index, chunkBytes))
  const size = Math.max(1, Math.ceil(text.length / chunks))
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) => text.slice(index * size, (index + 1) * size))
}

function filler(index: number, bytes: number): string {
  return `w${index} `.repeat(Math.ceil(bytes / `w${index} `.length)).slice(0, bytes)
}
