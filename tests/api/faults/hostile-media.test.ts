import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boundMemory } from '../../support/bound-memory'
import { expectUnharmed } from '../../support/expect-unharmed'
import { gigabyteOf, head, hostileAnswers, MEGABYTE, noUtf8, spoilt } from '../../support/hostile-answers'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { openGateway } from '../../support/open-gateway'
import type { RawAnswer, RawUpstream } from '../../support/raw-upstream'
import { startRawUpstream } from '../../support/raw-upstream'
import { until } from '../../support/until'

const stream = head('text/event-stream')
const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`
const long = 'x'.repeat(64 * 1024)
const usage = { prompt_tokens: 1, input_tokens: 1, output_tokens: 1, total_tokens: 2 }

const answers: Record<string, RawAnswer> = {
  ...hostileAnswers,
  'sound-gigabyte': gigabyteOf(head('audio/mpeg'), Buffer.alloc(256 * 1024, 'x')),
  'half-a-sound': write => write(`${head('audio/mpeg', 'content-length: 100000\r\n')}${long}`),
  'sound': write => write(`${head('audio/mpeg')}${long}`),
  'half-a-speech': write => write(stream + event({ type: 'speech.audio.delta', audio: long })),
  'spoken-gigabyte': gigabyteOf(stream, event({ type: 'speech.audio.delta', audio: long })),
  'partial-gigabyte': gigabyteOf(stream, event({ type: 'image_generation.partial_image', b64_json: long })),
  'final-gigabyte': gigabyteOf(stream, event({ type: 'image_generation.completed', b64_json: long })),
  'endless-picture': gigabyteOf(`${stream}data: {"type":"image_generation.completed","b64_json":"`, long),
  'half-a-picture': write => write(stream + event({ type: 'image_generation.partial_image', b64_json: long })),
  'half-an-edit': write => write(stream + event({ type: 'image_edit.partial_image', b64_json: long })),
  'one-picture-of-two': write => write(stream + event({ type: 'image_generation.completed', b64_json: 'AAAA' })),
  'whole-picture': write => write(`${head('application/json')}${JSON.stringify({ data: [{ b64_json: 'AAAA' }] })}`),
  'half-a-drawn-chat': write => write(stream + event({ id: 'c', choices: [{ index: 0, delta: { role: 'assistant', images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] } }] })),
  'one-choice-of-two': write => write(stream + event({ id: 'c', choices: [{ index: 0, delta: { content: 'a' }, finish_reason: 'stop' }] })),
  'transcript-gigabyte': gigabyteOf(stream, event({ type: 'transcript.text.delta', delta: long })),
  'other-gigabyte': gigabyteOf(stream, event({ type: 'transcript.text.segment', text: long })),
  'half-a-transcript': write => write(stream + event({ type: 'transcript.text.delta', delta: 'Half of' })),
  // An answer to whatever was asked.
  'invalid-utf8': spoilt(JSON.stringify({ data: [{ index: 0, embedding: [1], b64_json: 'AA', note: '<bytes>' }], results: [{ index: 0, relevance_score: 1, note: '<bytes>' }], meta: {}, text: '<bytes>', usage }))
}

let gateway: GatewayUnderTest
let upstream: RawUpstream
let key: string

beforeAll(async () => {
  upstream = await startRawUpstream(answers)
  gateway = await openGateway({ UPSTREAM_RETRIES: '0' })
  key = (await gateway.createKey()).key
  for (const name of Object.keys(answers)) await gateway.api('POST', '/api/connections', { kind: 'openai-compatible', name, baseUrl: upstream.baseUrl(name), secret: null })
  for (const name of ['whole-gigabyte', 'garbage', 'half']) await gateway.api('POST', '/api/connections', { kind: 'google', name: `gemini-${name}`, baseUrl: upstream.baseUrl(name).replace(/\/v1$/, ''), secret: 'sk-x' })
})
afterAll(async () => {
  await expectUnharmed(gateway)
  await gateway.remove()
  await upstream.stop()
})
boundMemory(() => gateway.loom)

const questions: Record<string, object> = {
  'embeddings': { input: 'a' },
  'images/generations': { prompt: 'a' },
  'images/edits': { prompt: 'a' },
  'audio/speech': { input: 'a', voice: 'x' },
  'audio/transcriptions': {},
  'audio/translations': {},
  'moderations': { input: 'a' },
  'rerank': { query: 'a', documents: ['b'] }
}

/** Of those that take a form, what it calls its file. */
const fileOf: Record<string, string> = { 'audio/transcriptions': 'file', 'audio/translations': 'file', 'images/edits': 'image' }

function ask(path: string, connection: string, more: Record<string, unknown> = {}): Promise<Response> {
  // A circuit is a connection's and a model's: no endpoint opens another's.
  const fields: Record<string, unknown> = { model: `${connection}/${path.replace('/', '-')}`, ...questions[path], ...more }
  const headers = { authorization: `Bearer ${key}` }
  const file = fileOf[path]
  if (file === undefined) return fetch(`${gateway.loom.url}/v1/${path}`, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(fields) })
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.append(name, String(value))
  form.append(file, new Blob(['sound']), 'a.wav')
  return fetch(`${gateway.loom.url}/v1/${path}`, { method: 'POST', headers, body: form })
}

/** What was taken of an answer by the time its connection is closed. */
async function takenBy(name: string, call: () => Promise<void>): Promise<number> {
  const before = upstream.taken(name)
  await call()
  await until(() => upstream.open(name) === 0, { what: () => 'the connection to be closed' })
  return upstream.taken(name) - before
}

describe.each(Object.keys(questions))('/v1/%s', (path) => {
  test.each([
    ['whole-gigabyte', 502],
    ['error-gigabyte', 500],
    ['gzip-bomb', 502],
    ['endless-headers', 502],
    ['endless-trailers', 502],
    ['no-http', 502],
    ['garbage', 502],
    ['half', 502]
  ])('of an upstream that answers with %s ends in a clear error, and a bounded part of it was taken', async (name, status) => {
    const taken = await takenBy(name, async () => {
      const response = await ask(path, name)
      expect(await response.json()).toMatchObject({ error: { message: expect.any(String), type: 'upstream_error', code: 'upstream_error' } })
      expect(response.status).toBe(status)
    })
    expect(taken).toBeLessThan(100 * MEGABYTE)
  })

  // Speech is no text.
  test.skipIf(path === 'audio/speech')('passes bytes that are no UTF-8 on as they came, and keeps a trace that can be read', async () => {
    const response = await ask(path, 'invalid-utf8')
    expect(response.status).toBe(200)
    expect(Buffer.from(await response.arrayBuffer()).includes(noUtf8)).toBe(true)
    const trace = await fetch(`${gateway.loom.url}/v1/traces/${response.headers.get('x-request-id')}?include=bodies`, { headers: { authorization: `Bearer ${key}` } })
    expect(await trace.json()).toMatchObject({ status_code: 200, response_body: expect.any(String) })
  })
})

test.each(['sound-gigabyte', 'half-a-sound'])('speech that is %s breaks off, for sound has no error event, and does not look whole', async (name) => {
  const taken = await takenBy(name, async () => {
    const response = await ask('audio/speech', name)
    expect(response.headers.get('content-type')).toBe('audio/mpeg')
    await expect(response.arrayBuffer()).rejects.toThrow()
  })
  expect(taken).toBeLessThan(20 * MEGABYTE)
})

test('speech comes as sound from a model that has no events, whatever was asked for', async () => {
  const response = await ask('audio/speech', 'sound', { stream_format: 'sse' })
  expect(response.headers.get('content-type')).toBe('audio/mpeg')
  expect(await response.text()).toBe(long)
})

test.each([
  ['audio/speech', 'spoken-gigabyte', { stream_format: 'sse' }],
  ['audio/speech', 'half-a-speech', {}],
  ['images/generations', 'partial-gigabyte', { stream: true }],
  ['images/generations', 'final-gigabyte', { stream: true }],
  ['images/generations', 'endless-picture', { stream: true, partial_images: 3 }],
  ['images/generations', 'half-a-picture', { stream: true }],
  ['images/edits', 'partial-gigabyte', { stream: true }],
  ['images/edits', 'half-an-edit', { stream: true }],
  ['audio/transcriptions', 'transcript-gigabyte', { stream: true }],
  ['audio/transcriptions', 'other-gigabyte', { stream: true }],
  ['audio/transcriptions', 'half-a-transcript', { stream: true }]
])('/v1/%s that streams %s is cut off with an error event', async (path, name, more) => {
  const taken = await takenBy(name, async () => {
    const text = await (await ask(path, name, more)).text()
    expect(text).toMatch(/\{"error":\{"message":"[^\n]*\}\s*$/)
  })
  expect(taken).toBeLessThan(100 * MEGABYTE)
})

/** What was recorded of a call. */
async function traceOf(response: Response): Promise<Record<string, unknown>> {
  return (await fetch(`${gateway.loom.url}/v1/traces/${response.headers.get('x-request-id')}`, { headers: { authorization: `Bearer ${key}` } })).json()
}

test('a stream that ends before all its pictures came gives out what is charged, and does not look whole', async () => {
  const response = await ask('images/generations', 'one-picture-of-two', { stream: true, n: 2, quality: 'low', size: '1024x1024' })
  expect(await response.text()).toMatch(/"type":"image_generation\.completed"[^\n]*\n\ndata: \{"error":[^\n]*half way/)
  expect(await traceOf(response)).toMatchObject({ status_code: 502, output_tokens: 272 })
})

test.each(['images/generations', 'images/edits'])('/v1/%s at a server that does not stream gives the whole picture, and charges it', async (path) => {
  const response = await ask(path, 'whole-picture', { stream: true, quality: 'low', size: '1024x1024' })
  expect(await response.json()).toEqual({ data: [{ b64_json: 'AAAA' }] })
  expect(await traceOf(response)).toMatchObject({ status_code: 200, output_tokens: 272 })
})

test('a picture of a chat that breaks off is charged', async () => {
  const response = await ask('chat/completions', 'half-a-drawn-chat', { stream: true, messages: [{ role: 'user', content: 'Draw' }] })
  expect(await response.text()).toContain('half way')
  expect(await traceOf(response)).toMatchObject({ status_code: 502, output_tokens: 1_290 })
})

test('a chat that ends before all its choices began does not look whole', async () => {
  const response = await ask('chat/completions', 'one-choice-of-two', { stream: true, n: 2, messages: [{ role: 'user', content: 'Hi' }] })
  expect(await response.text()).toMatch(/"error":[^\n]*half way/)
})

test.each(['whole-gigabyte', 'garbage', 'half'])('embeddings of a Gemini that answers with %s end in a clear error', async (name) => {
  const taken = await takenBy(name, async () => {
    const response = await ask('embeddings', `gemini-${name}`)
    expect(await response.json()).toMatchObject({ error: { code: 'upstream_error' } })
    expect(response.status).toBe(502)
  })
  expect(taken).toBeLessThan(100 * MEGABYTE)
})
