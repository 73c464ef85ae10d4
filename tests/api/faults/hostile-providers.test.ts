import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boundMemory } from '../../support/bound-memory'
import { expectUnharmed } from '../../support/expect-unharmed'
import { gigabyteOf, head, hostileAnswers, MEGABYTE, spoilt } from '../../support/hostile-answers'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { openGateway } from '../../support/open-gateway'
import type { RawAnswer, RawUpstream } from '../../support/raw-upstream'
import { startRawUpstream } from '../../support/raw-upstream'
import { until } from '../../support/until'

const long = 'x'.repeat(64 * 1024)
const claude = (data: { type: string } & Record<string, unknown>) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
const claudeStart = claude({ type: 'message_start', message: { id: 'm', type: 'message', role: 'assistant', model: 'c', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } } })
  + claude({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } })
const claudeText = (text: string) => claude({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })
const gemini = (text: string, more: object = {}) => ({ candidates: [{ content: { parts: [{ text }], role: 'model' }, index: 0, ...more }], modelVersion: 'g', responseId: 'r' })
const geminiEvent = (text: string) => `data: ${JSON.stringify(gemini(text))}\r\n\r\n`
const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`
const written = (delta: string) => event({ type: 'response.output_text.delta', item_id: 'i', output_index: 0, content_index: 0, delta })
const response = (text: string) => ({ id: 'r', object: 'response', status: 'completed', model: 'm', output: [{ type: 'message', id: 'i', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text, annotations: [] }] }], usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 } })
const completion = (text: string, finish: string | null = null) => ({ id: 'c', object: 'text_completion', created: 1, model: 'm', choices: [{ index: 0, text, logprobs: null, finish_reason: finish }] })
const stream = head('text/event-stream')

const chat = { max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] }
const openAiError = { error: { message: expect.any(String), code: 'upstream_error' } }
const openAiFailure = /data: \{"error":[^\n]*\n\n$/

/** What claude and gemini answer that is hostile in their formats alone, whatever they are asked by. */
const ofAnthropic = {
  'stream-gigabyte': gigabyteOf(stream + claudeStart, claudeText(long)),
  'empty-gigabyte': gigabyteOf(stream + claudeStart, claude({ type: 'ping', padding: 'x'.repeat(256 * 1024) })),
  'half-stream': write => write(stream + claudeStart + claudeText('Half of')),
  'invalid-utf8': spoilt(JSON.stringify({ id: 'm', type: 'message', role: 'assistant', model: 'c', content: [{ type: 'text', text: '<bytes>' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } })),
  'invalid-utf8-stream': spoilt(claudeStart + claudeText('<bytes>') + claude({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 1 } }) + claude({ type: 'message_stop' }), 'text/event-stream')
} satisfies Record<string, RawAnswer>
const ofGoogle = {
  'stream-gigabyte': gigabyteOf(stream, geminiEvent(long)),
  'half-stream': write => write(stream + geminiEvent('Half of')),
  'invalid-utf8': spoilt(JSON.stringify(gemini('<bytes>', { finishReason: 'STOP' }))),
  'invalid-utf8-stream': spoilt(event(gemini('<bytes>', { finishReason: 'STOP' })), 'text/event-stream')
} satisfies Record<string, RawAnswer>
const ofResponses = {
  'stream-gigabyte': gigabyteOf(stream, written(long)),
  'half-stream': write => write(stream + written('Half of')),
  'invalid-utf8': spoilt(JSON.stringify(response('<bytes>'))),
  'invalid-utf8-stream': spoilt(written('<bytes>') + event({ type: 'response.completed', response: response('<bytes>') }), 'text/event-stream')
} satisfies Record<string, RawAnswer>
const ofCompletions = {
  'stream-gigabyte': gigabyteOf(stream, event(completion(long))),
  'half-stream': write => write(stream + event(completion('Half of'))),
  'invalid-utf8': spoilt(JSON.stringify(completion('<bytes>', 'stop'))),
  'invalid-utf8-stream': spoilt(`${event(completion('<bytes>', 'stop'))}data: [DONE]\n\n`, 'text/event-stream')
} satisfies Record<string, RawAnswer>

/** Translated answers, and formats passed through. */
const formats = [
  { name: 'claude-by-chat', kind: 'anthropic', path: '/v1/chat/completions', question: chat, own: ofAnthropic, error: openAiError, failure: openAiFailure },
  { name: 'claude', kind: 'anthropic', path: '/v1/messages', question: chat, own: ofAnthropic, error: { type: 'error', error: { message: expect.any(String), type: 'api_error' } }, failure: /event: error\ndata: \{"type":"error"[^\n]*\n\n$/ },
  { name: 'gemini', kind: 'google', path: '/v1/chat/completions', question: chat, own: ofGoogle, error: openAiError, failure: openAiFailure },
  { name: 'responses', kind: 'openai', path: '/v1/responses', question: { input: 'Hi' }, own: ofResponses, error: openAiError, failure: /event: error\ndata: \{"type":"error"[^\n]*\n\n$/ },
  { name: 'completions', kind: 'openai', path: '/v1/completions', question: { prompt: 'Hi' }, own: ofCompletions, error: openAiError, failure: openAiFailure }
] as const

let gateway: GatewayUnderTest
let upstream: RawUpstream
let key: string

beforeAll(async () => {
  const answers = formats.flatMap(({ name, kind, own }) => Object.entries({ ...hostileAnswers, ...own }).map(([what, answer]) => ({ name: `${name}-${what}`, kind, answer })))
  upstream = await startRawUpstream(Object.fromEntries(answers.map(({ name, answer }) => [name, answer])))
  gateway = await openGateway({ UPSTREAM_RETRIES: '0' })
  key = (await gateway.createKey()).key
  // One connection each: none opens another's circuit.
  for (const { name, kind } of answers) await gateway.api('POST', '/api/connections', { kind, name, baseUrl: upstream.baseUrl(name).replace(kind === 'openai' ? '' : /\/v1$/, ''), secret: 'sk-x' })
})
afterAll(async () => {
  await expectUnharmed(gateway)
  await gateway.remove()
  await upstream.stop()
})
boundMemory(() => gateway.loom)

describe.each(formats)('$kind by $path', ({ name: format, path, question, error, failure }) => {
  const ask = (name: string, stream: boolean) => fetch(`${gateway.loom.url}${path}`, {
    method: 'POST',
    headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: `${name}/m-instruct`, ...question, stream })
  })

  test.each([
    ['whole-gigabyte', false, 502],
    ['error-gigabyte', false, 500],
    ['gzip-bomb', false, 502],
    ['endless-line', true, 502],
    ['endless-comment', true, 502],
    ['endless-event', true, 502],
    ['endless-header', false, 502],
    ['endless-headers', true, 502],
    ['endless-trailers', false, 502],
    ['no-http', false, 502],
    ['garbage', false, 502],
    ['deep', false, 502],
    ['half', false, 502],
    ['silent-stream', true, 502]
  ])('that answers with %s is cut off, and the caller gets a clear error', async (answer, stream, status) => {
    const name = `${format}-${answer}`
    const before = upstream.taken(name)
    const response = await ask(name, stream)
    expect(await response.json()).toMatchObject(error)
    expect(response.status).toBe(status)
    await until(() => upstream.open(name) === 0, { what: () => 'the connection to be closed' })
    expect(upstream.taken(name) - before).toBeLessThan(100 * MEGABYTE)
  })

  test.each(['stream-gigabyte', 'half-stream', 'garbage-stream'])('that streams %s: what came is passed on, and an error event ends it', async (answer) => {
    const name = `${format}-${answer}`
    const before = upstream.taken(name)
    const text = await (await ask(name, true)).text()
    // A stream that is nothing but an error is an error answer.
    expect(text).toMatch(answer === 'garbage-stream' ? /"error"/ : failure)
    expect(text).not.toMatch(/\[DONE\]|message_stop|response\.completed/)
    await until(() => upstream.open(name) === 0, { what: () => 'the connection to be closed' })
    expect(upstream.taken(name) - before).toBeLessThan(100 * MEGABYTE)
  })

  test.each([['invalid-utf8', false], ['invalid-utf8-stream', true]] as const)('that answers with %s is answered, and its trace can be read', async (answer, stream) => {
    const response = await ask(`${format}-${answer}`, stream)
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('\ufffd')
    const trace = await fetch(`${gateway.loom.url}/v1/traces/${response.headers.get('x-request-id')}?include=bodies`, { headers: { authorization: `Bearer ${key}` } })
    expect(await trace.text()).toContain('\ufffd')
  })
})

test('events that hold no answer are cut off, too, where they are translated', async () => {
  const name = 'claude-by-chat-empty-gigabyte'
  const response = await fetch(`${gateway.loom.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: `${name}/m`, ...chat, stream: true })
  })
  expect(await response.text()).toMatch(openAiFailure)
  await until(() => upstream.open(name) === 0, { what: () => 'the connection to be closed' })
  expect(upstream.taken(name)).toBeLessThan(600 * MEGABYTE)
})
