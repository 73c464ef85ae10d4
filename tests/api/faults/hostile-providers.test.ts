import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkLedgerOf } from '../../support/check-ledger'
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
const stream = head('text/event-stream')

/** What is hostile in one format alone. */
const own: Record<'anthropic' | 'google', Record<string, RawAnswer>> = {
  anthropic: {
    'stream-gigabyte': gigabyteOf(stream + claudeStart, claudeText(long)),
    'half-stream': write => write(stream + claudeStart + claudeText('Half of')),
    'invalid-utf8': spoilt(JSON.stringify({ id: 'm', type: 'message', role: 'assistant', model: 'c', content: [{ type: 'text', text: '<bytes>' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } })),
    'invalid-utf8-stream': spoilt(claudeStart + claudeText('<bytes>') + claude({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 1 } }) + claude({ type: 'message_stop' }), 'text/event-stream')
  },
  google: {
    'stream-gigabyte': gigabyteOf(stream, geminiEvent(long)),
    'half-stream': write => write(stream + geminiEvent('Half of')),
    'invalid-utf8': spoilt(JSON.stringify(gemini('<bytes>', { finishReason: 'STOP' }))),
    'invalid-utf8-stream': spoilt(`data: ${JSON.stringify(gemini('<bytes>', { finishReason: 'STOP' }))}\n\n`, 'text/event-stream')
  }
}

let gateway: GatewayUnderTest
let upstream: RawUpstream
let key: string

beforeAll(async () => {
  const answers = Object.entries(own).flatMap(([kind, ones]) => Object.entries({ ...hostileAnswers, ...ones }).map(([name, answer]) => [`${kind}-${name}`, answer] as const))
  upstream = await startRawUpstream(Object.fromEntries(answers))
  gateway = await openGateway({ UPSTREAM_RETRIES: '0' })
  key = (await gateway.createKey()).key
  // One connection each: none opens another's circuit.
  for (const [name] of answers) await gateway.api('POST', '/api/connections', { kind: name.split('-')[0], name, baseUrl: upstream.baseUrl(name).replace(/\/v1$/, ''), secret: 'sk-x' })
})
afterAll(async () => {
  await until(async () => (await gateway.api('GET', '/api/wallet')).heldNanoUsd === '0', { what: () => 'every hold to be given back' })
  await gateway.loom.stop()
  expect(gateway.loom.logs()).not.toMatch(/uncaughtException|unhandledRejection|"level":"fatal"/)
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
  await gateway.remove()
  await upstream.stop()
})

const ask = (path: string, name: string, stream: boolean) => fetch(`${gateway.loom.url}${path}`, {
  method: 'POST',
  headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' },
  body: JSON.stringify({ model: `${name}/m`, max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }], stream })
})

/** The formats in which a kind is asked: translated, and Anthropic's own passed through. */
const formats = [
  { kind: 'anthropic', path: '/v1/chat/completions' },
  { kind: 'anthropic', path: '/v1/messages' },
  { kind: 'google', path: '/v1/chat/completions' }
] as const

describe.each(formats)('an upstream of the kind $kind, asked by $path', ({ kind, path }) => {
  const error = path === '/v1/messages' ? { type: 'error', error: { message: expect.any(String), type: 'api_error' } } : { error: { message: expect.any(String), code: 'upstream_error' } }
  const failing = path === '/v1/messages' ? /event: error\ndata: \{"type":"error"[^\n]*\n\n$/ : /data: \{"error":[^\n]*\n\n$/

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
    ['half', false, 502],
    ['silent-stream', true, 502]
  ])('that answers with %s is cut off, and the caller gets a clear error', async (answer, stream, status) => {
    const name = `${kind}-${answer}`
    const before = upstream.taken(name)
    const response = await ask(path, name, stream)
    expect(await response.json()).toMatchObject(error)
    expect(response.status).toBe(status)
    await until(() => upstream.open(name) === 0, { what: () => 'the connection to be closed' })
    expect(upstream.taken(name) - before).toBeLessThan(100 * MEGABYTE)
  })

  test.each(['stream-gigabyte', 'half-stream', 'garbage-stream'])('that streams %s: what came is passed on, and an error event ends it', async (answer) => {
    const name = `${kind}-${answer}`
    const before = upstream.taken(name)
    const text = await (await ask(path, name, true)).text()
    // A stream that is nothing but an error is an error answer.
    expect(text).toMatch(answer === 'garbage-stream' ? /"error"/ : failing)
    expect(text).not.toMatch(/\[DONE\]|message_stop/)
    await until(() => upstream.open(name) === 0, { what: () => 'the connection to be closed' })
    expect(upstream.taken(name) - before).toBeLessThan(100 * MEGABYTE)
  })

  test.each([['invalid-utf8', false], ['invalid-utf8-stream', true]] as const)('that answers with %s is answered, and its trace can be read', async (answer, stream) => {
    const response = await ask(path, `${kind}-${answer}`, stream)
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('\ufffd')
    const trace = await fetch(`${gateway.loom.url}/v1/traces/${response.headers.get('x-request-id')}?include=bodies`, { headers: { authorization: `Bearer ${key}` } })
    expect(await trace.text()).toContain('\ufffd')
  })
})
