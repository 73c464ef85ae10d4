import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boundMemory } from '../../support/bound-memory'
import { expectUnharmed } from '../../support/expect-unharmed'
import { forever, gigabyteOf, head, hostileAnswers, MEGABYTE, noUtf8, spoilt } from '../../support/hostile-answers'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { openGateway } from '../../support/open-gateway'
import type { RawAnswer, RawUpstream } from '../../support/raw-upstream'
import { startRawUpstream } from '../../support/raw-upstream'
import { until } from '../../support/until'

const event = (content: string) => `data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`

const answers: Record<string, RawAnswer> = {
  ...hostileAnswers,
  'stream-gigabyte': gigabyteOf(head('text/event-stream'), event('x'.repeat(64 * 1024))),
  'empty-gigabyte': gigabyteOf(head('text/event-stream'), `data: ${JSON.stringify({ id: 'c', choices: [], padding: 'x'.repeat(256 * 1024) })}\n\n`),
  'endless-chunk-extension': forever('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n2;', 'x'.repeat(1_024)),
  'endless-promises': forever('', 'HTTP/1.1 103 Early Hints\r\n\r\n'),
  'endless-pings': forever(head('text/event-stream'), ': ping\n\n'),
  'invalid-utf8': spoilt(JSON.stringify({ id: 'c', object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: '<bytes>' }, finish_reason: 'stop' }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }))
}

let gateway: GatewayUnderTest
let upstream: RawUpstream
let key: string

beforeAll(async () => {
  upstream = await startRawUpstream(answers)
  gateway = await openGateway({ UPSTREAM_RETRIES: '0', UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '20000', UPSTREAM_TOTAL_TIMEOUT_MS: '30000' })
  key = (await gateway.createKey()).key
  // One connection each: none opens another's circuit.
  for (const name of Object.keys(answers)) await gateway.api('POST', '/api/connections', { kind: 'openai-compatible', name, baseUrl: upstream.baseUrl(name), secret: null })
})

afterAll(async () => {
  await expectUnharmed(gateway)
  await gateway.remove()
  await upstream.stop()
})
boundMemory(() => gateway.loom)

const ask = (name: string, stream: boolean) => gateway.post(key, JSON.stringify({ model: `${name}/m`, messages: [{ role: 'user', content: 'Hi' }], stream }))

describe('an upstream that never stops is cut off after a bounded part of it, and the caller gets a clear error', () => {
  test.each([
    ['whole-gigabyte', false, 502],
    ['error-gigabyte', false, 500],
    ['endless-line', true, 502],
    ['endless-comment', true, 502],
    ['endless-event', true, 502],
    ['gzip-bomb', false, 502],
    ['endless-header', false, 502],
    ['endless-headers', true, 502],
    ['endless-trailers', false, 502],
    ['no-http', false, 502],
    ['deep', false, 502]
  ])('%s', async (name, stream, status) => {
    const response = await ask(name, stream)
    expect(await response.json()).toMatchObject({ error: { message: expect.any(String), type: 'upstream_error', code: 'upstream_error' } })
    expect(response.status).toBe(status)
    await until(() => upstream.open(name) === 0, { what: () => 'the connection to be closed' })
    expect(upstream.taken(name)).toBeLessThan(100 * MEGABYTE)
  })

  test('stream-gigabyte: what came is passed on, then an error event ends it', async () => {
    const response = await ask('stream-gigabyte', true)
    const text = await response.text()
    expect(text).toMatch(/data: \{"error":\{"message":"The provider sent an answer larger than[^\n]*\n\n$/)
    expect(text).not.toContain('[DONE]')
    await until(() => upstream.open('stream-gigabyte') === 0, { what: () => 'the connection to be closed' })
    expect(upstream.taken('stream-gigabyte')).toBeLessThan(100 * MEGABYTE)
  })
})

test('empty-gigabyte: events that hold no answer are cut off, too', async () => {
  const response = await ask('empty-gigabyte', true)
  let end = ''
  for await (const chunk of response.body ?? []) end = (end + Buffer.from(chunk.subarray(-1_000)).toString()).slice(-1_000)
  expect(end).toMatch(/data: \{"error":\{"message":"The provider sent more than[^\n]*\n\n$/)
  await until(() => upstream.open('empty-gigabyte') === 0, { what: () => 'the connection to be closed' })
  expect(upstream.taken('empty-gigabyte')).toBeLessThan(600 * MEGABYTE)
})

describe('an upstream that says nothing at length', () => {
  let hurried: GatewayUnderTest
  let hurriedKey: string
  beforeAll(async () => {
    hurried = await openGateway({ UPSTREAM_RETRIES: '0', UPSTREAM_TOTAL_TIMEOUT_MS: '1500' })
    hurriedKey = (await hurried.createKey()).key
    for (const name of ['endless-promises', 'endless-chunk-extension', 'endless-pings']) await hurried.api('POST', '/api/connections', { kind: 'openai-compatible', name, baseUrl: upstream.baseUrl(name), secret: null })
  })
  afterAll(() => hurried.remove())
  boundMemory(() => hurried.loom)

  const askHurried = (name: string) => hurried.post(hurriedKey, JSON.stringify({ model: `${name}/m`, messages: [{ role: 'user', content: 'Hi' }], stream: true }))

  test.each(['endless-promises', 'endless-chunk-extension', 'endless-pings'])('gets no more than the time a call may take: %s', async (name) => {
    const response = await askHurried(name)
    expect([502, 504]).toContain(response.status)
    expect(await response.json()).toMatchObject({ error: { message: expect.any(String) } })
    await until(() => upstream.open(name) === 0, { what: () => 'the connection to be closed' })
  })
})

test('bytes that are no UTF-8 reach the caller as they came, and a trace that can be read', async () => {
  const response = await ask('invalid-utf8', false)
  expect(response.status).toBe(200)
  const bytes = Buffer.from(await response.arrayBuffer())
  expect(bytes.includes(noUtf8)).toBe(true)
  const id = response.headers.get('x-request-id')
  const trace = await fetch(`${gateway.loom.url}/v1/traces/${id}?include=bodies`, { headers: { authorization: `Bearer ${key}` } })
  expect(trace.status).toBe(200)
  expect(await trace.text()).toContain('\ufffd')
})
