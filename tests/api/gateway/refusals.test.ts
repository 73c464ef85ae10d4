import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { AzureOpenAI } from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { TransactionPage } from '../../../shared/billing'
import { TraceDetail } from '../../../shared/traces'
import { generateKey } from '../../../server/keys/key-format'
import { checkLedgerOf } from '../../support/check-ledger'
import { freePort } from '../../support/free-port'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway, upstreamSecret } from '../../support/open-gateway'
import { until } from '../../support/until'

let gateway: GatewayUnderTest
let key: string

beforeAll(async () => {
  gateway = await openGateway({ UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '1500', UPSTREAM_IDLE_TIMEOUT_MS: '1500', MAX_BODY_BYTES: String(1024 * 1024) })
  key = (await gateway.createKey()).key
})
beforeEach(() => gateway.upstream.reset())
afterAll(async () => {
  await gateway.loom.stop()
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
  await gateway.remove()
})

const messages = [{ role: 'user' as const, content: 'Hello' }]
const valid = { model, messages }

describe('a bad request is refused in the OpenAI format and never reaches an upstream', () => {
  const bad: [string, BodyInit, number, string][] = [
    ['malformed JSON', '{"model": ', 400, 'invalid_request_error'],
    ['an empty body', '', 400, 'invalid_request_error'],
    ['a body that is no object', '[1]', 400, 'invalid_request_error'],
    ['no UTF-8', new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]), 400, 'invalid_request_error'],
    ['messages that are no array', JSON.stringify({ model, messages: 'hi' }), 400, 'invalid_request_error'],
    ['no messages', JSON.stringify({ model, messages: [] }), 400, 'invalid_request_error'],
    ['a model that is a number', JSON.stringify({ model: 7, messages }), 400, 'invalid_request_error'],
    ['a NUL in the model', JSON.stringify({ model: 'a\u0000b', messages }), 400, 'invalid_request_error'],
    ['a negative max_tokens', JSON.stringify({ ...valid, max_tokens: -1 }), 400, 'invalid_request_error'],
    ['stream that is a string', JSON.stringify({ ...valid, stream: 'yes' }), 400, 'invalid_request_error'],
    ['an unknown model', JSON.stringify({ model: 'nope', messages }), 404, 'model_not_found'],
    ['a body of 20 MB', `{"model":"${model}","messages":[{"role":"user","content":"${'x'.repeat(20 * 1024 * 1024)}"}]}`, 413, 'body_too_large']
  ]
  test.each(bad)('%s', async (_, body, status, code) => {
    const response = await refused(gateway.post(key, body))
    expect(response).toMatchObject({ status, body: { error: { code, message: expect.any(String) } } })
    expect(gateway.upstream.requests).toHaveLength(0)
  })

  test('a compressed body', async () => {
    expect(await refused(gateway.post(key, JSON.stringify(valid), { 'content-encoding': 'gzip' }))).toMatchObject({ status: 400 })
  })

  test.each(['-1', '1.0000000001', 'ten', '1e3', ''])('X-Billing-Amount "%s"', async (amount) => {
    expect(await refused(gateway.post(key, JSON.stringify(valid), { 'x-billing-amount': amount }))).toMatchObject({ status: 400 })
  })
})

describe('a key', () => {
  test('that is missing, mistyped or unknown is told apart', async () => {
    const missing = await refused(fetch(`${gateway.loom.url}/v1/chat/completions`, { method: 'POST', body: '{}' }))
    const mistyped = await refused(gateway.post(`${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`, '{}'))
    const unknown = await refused(gateway.post(generateKey(), '{}'))
    expect(missing).toMatchObject({ status: 401, body: { error: { code: 'invalid_api_key', message: expect.stringContaining('No API key') } } })
    expect(mistyped).toMatchObject({ status: 401, body: { error: { code: 'invalid_api_key', message: expect.stringContaining('checksum') } } })
    expect(unknown).toMatchObject({ status: 401, body: { error: { code: 'invalid_api_key', message: expect.stringContaining('unknown or revoked') } } })
  })

  test('stops working once it is revoked, though it was cached', async () => {
    const { id, key: doomed } = await gateway.createKey()
    expect((await gateway.post(doomed, JSON.stringify(valid))).status).toBe(200)
    await gateway.api('DELETE', `/api/keys/${id}`)
    const answer = await until(async () => {
      const found = await refused(gateway.post(doomed, JSON.stringify(valid)))
      return found.status !== 200 && found
    })
    expect(answer).toMatchObject({ status: 401, body: { error: { code: 'invalid_api_key', message: expect.stringContaining('unknown or revoked') } } })
  })

  test('is accepted as Anthropic\'s and Azure\'s SDKs send it', async () => {
    for (const name of ['x-api-key', 'api-key']) {
      const response = await fetch(`${gateway.loom.url}/v1/chat/completions`, { method: 'POST', headers: { [name]: key }, body: JSON.stringify(valid) })
      expect(response.status).toBe(200)
    }
  })

  test('may call only its models, with its scopes', async () => {
    const { key: narrow } = await gateway.createKey({ allowedModels: ['demo'] })
    expect(await refused(gateway.post(narrow, JSON.stringify(valid)))).toMatchObject({ status: 403, body: { error: { code: 'model_not_allowed' } } })
    const { key: reader } = await gateway.createKey({ scopes: ['traces'] })
    expect(await refused(gateway.post(reader, JSON.stringify(valid)))).toMatchObject({ status: 403, body: { error: { code: 'insufficient_scope' } } })
    const { key: plain } = await gateway.createKey({ scopes: ['inference'] })
    expect(await refused(gateway.post(plain, JSON.stringify(valid), { 'x-billing-amount': '1' }))).toMatchObject({ status: 403, body: { error: { code: 'insufficient_scope' } } })
  })

  test('keeps to its rate, address and concurrency limits', async () => {
    const { key: rated } = await gateway.createKey({ limits: { requestsPerMinute: 2 } })
    const first = await gateway.post(rated, JSON.stringify(valid))
    expect(first.headers.get('x-ratelimit-limit-requests')).toBe('2')
    expect(first.headers.get('x-ratelimit-remaining-requests')).toBe('1')
    await gateway.post(rated, JSON.stringify(valid))
    const third = await gateway.post(rated, JSON.stringify(valid))
    expect(third.status).toBe(429)
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0)

    const { key: elsewhere } = await gateway.createKey({ limits: { allowedIps: ['203.0.113.0/24'] } })
    expect(await refused(gateway.post(elsewhere, JSON.stringify(valid)))).toMatchObject({ status: 403 })

    const { key: single } = await gateway.createKey({ limits: { maxConcurrent: 1 } })
    gateway.upstream.reset()
    gateway.upstream.respondWith({ chunks: 100, chunkIntervalMs: 100 })
    const abort = new AbortController()
    const running = await fetch(`${gateway.loom.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${single}` }, body: JSON.stringify({ ...valid, stream: true }), signal: abort.signal })
    expect(running.status).toBe(200)
    expect((await gateway.post(single, JSON.stringify(valid))).status).toBe(429)
    abort.abort()
    await until(async () => (await gateway.post(single, JSON.stringify(valid))).status === 200)
  })
})

describe('a failure that may pass', () => {
  test.each([{ status: 408 }, { status: 409 }, { status: 429 }, { status: 500 }, { status: 529 }, { fault: 'reset' as const }])('is asked again: %o', async (behaviour) => {
    const { id } = await freshConnection()
    gateway.upstream.reset()
    gateway.upstream.respondWith(behaviour)
    gateway.upstream.respondWith({ text: 'At last' })
    const response = await gateway.post(key, JSON.stringify({ model: `${id}/${model}`, messages }))
    expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 200, body: { choices: [{ message: { content: 'At last' } }] } })
    expect(response.headers.get('x-loom-attempts')).toBe('2')
    expect(gateway.upstream.requests).toHaveLength(2)
  })

  test.each([{ status: 400 }, { status: 404 }, { status: 413 }])('is not what the request is at fault for: %o', async (behaviour) => {
    const { id } = await freshConnection()
    gateway.upstream.reset()
    gateway.upstream.respondWith(behaviour)
    expect((await gateway.post(key, JSON.stringify({ model: `${id}/${model}`, messages }))).status).toBe(behaviour.status)
    expect(gateway.upstream.requests).toHaveLength(1)
  })

  test('is a connection that is refused, too', async () => {
    await gateway.api('POST', '/api/connections', { kind: 'openai', name: 'closed', baseUrl: `http://127.0.0.1:${await freePort()}/v1`, secret: upstreamSecret })
    await until(async () => (await fetch(`${gateway.loom.url}/v1/models/closed/${model}`, { headers: { authorization: `Bearer ${key}` } })).ok, { what: () => 'the connection to be known' })
    const response = await gateway.post(key, JSON.stringify({ model: `closed/${model}`, messages }))
    expect([response.status, response.headers.get('x-loom-attempts')]).toEqual([502, '2'])
  })

  const pauses: [string, () => Record<string, string>, (firstAtMs: number, headers: Record<string, string>) => number][] = [
    ['milliseconds, whatever else it says', () => ({ 'retry-after-ms': '700', 'retry-after': '30' }), firstAtMs => firstAtMs + 700],
    ['seconds', () => ({ 'retry-after': '1' }), firstAtMs => firstAtMs + 1_000],
    ['a date', () => ({ 'retry-after': new Date(Date.now() + 2_500).toUTCString() }), (_, headers) => Date.parse(headers['retry-after'] ?? '')]
  ]
  test.each(pauses)('is asked again when its provider says: %s', async (_, say, notBefore) => {
    const { id } = await freshConnection()
    gateway.upstream.reset()
    const headers = say()
    gateway.upstream.respondWith({ status: 429, headers })
    expect((await gateway.post(key, JSON.stringify({ model: `${id}/${model}`, messages }))).status).toBe(200)
    const [first, second] = gateway.upstream.requests
    if (!first || !second) throw new Error('it was asked once')
    // Timers round down.
    expect(second.atMs).toBeGreaterThanOrEqual(notBefore(first.atMs, headers) - 5)
    expect(second.atMs - first.atMs).toBeLessThan(5_000)
  })

  test('is not waited for longer than a caller would', async () => {
    const { id } = await freshConnection()
    gateway.upstream.reset()
    gateway.upstream.respondWith({ status: 429, headers: { 'retry-after': '6' } })
    const response = await gateway.post(key, JSON.stringify({ model: `${id}/${model}`, messages }))
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '6'])
    expect(gateway.upstream.requests).toHaveLength(1)
  })
})

test('a provider that takes a connection and then says nothing is given up after UPSTREAM_CONNECT_TIMEOUT_MS, and nothing is charged', async () => {
  // Nobody answers the beginning of TLS, which is part of connecting.
  const silent = createTcpServer(socket => socket.on('error', () => {}))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const slow = await openGateway({ UPSTREAM_CONNECT_TIMEOUT_MS: '300', UPSTREAM_RETRIES: '0' })
  try {
    await slow.api('POST', '/api/connections', { kind: 'openai', name: 'silent', baseUrl: `https://127.0.0.1:${(silent.address() as AddressInfo).port}/v1`, secret: upstreamSecret })
    const { key } = await slow.createKey()
    await until(async () => (await fetch(`${slow.loom.url}/v1/models/silent/${model}`, { headers: { authorization: `Bearer ${key}` } })).ok, { what: () => 'the connection to be known' })
    const response = await slow.post(key, JSON.stringify({ model: `silent/${model}`, messages }))
    expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 504, body: { error: { code: 'upstream_timeout', message: 'The provider could not be reached in time.' } } })
    expect(TraceDetail.parse(await slow.api('GET', `/api/traces/${response.headers.get('x-request-id')}`))).toMatchObject({ charge: null })
  } finally {
    await slow.remove()
    silent.close()
  }
})

describe('an upstream that', () => {
  const faults: [string, Parameters<GatewayUnderTest['upstream']['respondWith']>[0], number, string][] = [
    ['refuses the credential', { status: 401 }, 502, 'upstream_error'],
    ['has no funds left', { status: 402 }, 502, 'upstream_error'],
    ['is rate limited', { status: 429, headers: { 'retry-after': '17' } }, 429, 'rate_limit_exceeded'],
    ['fails', { status: 500 }, 500, 'upstream_error'],
    ['refuses the request', { status: 400 }, 400, 'invalid_request_error'],
    ['never answers', { fault: 'never-answers' }, 504, 'upstream_timeout'],
    ['resets the connection', { fault: 'reset' }, 502, 'upstream_error'],
    ['sends garbage', { fault: 'garbage' }, 502, 'upstream_error']
  ]
  describe.each(['whole', 'streamed'])('for a %s answer', (kind) => {
    test.each(faults)('%s gives a clear error, and the hold back', async (_, behaviour, status, code) => {
      // Connections rest after repeated failures; a fresh one each time keeps the cases apart.
      const { id } = await freshConnection()
      gateway.upstream.respondWith(behaviour, { times: 2 })
      const response = await refused(gateway.post(key, JSON.stringify({ model: `${id}/${model}`, messages, stream: kind === 'streamed' })))
      expect(response).toMatchObject({ status, body: { error: { code } } })
      expect(JSON.stringify(response)).not.toContain(upstreamSecret)
      const { items } = TransactionPage.parse(await gateway.api('GET', '/api/transactions'))
      expect(items.filter(transaction => transaction.status === 'held')).toEqual([])
    })
  })

  test.each([false, true])('works too long on an answer is asked once, tells not to ask again, and its prompt is charged (streamed: %s)', async (stream) => {
    const { id } = await freshConnection()
    gateway.upstream.reset()
    gateway.upstream.respondWith({ fault: 'never-answers' }, { times: 3 })
    const response = await gateway.post(key, JSON.stringify({ model: `${id}/${model}`, messages, stream }))
    expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 504, body: { error: { code: 'upstream_timeout', message: expect.stringContaining('not asked again') } } })
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(gateway.upstream.requests).toHaveLength(1)
    const trace = TraceDetail.parse(await gateway.api('GET', `/api/traces/${response.headers.get('x-request-id')}`))
    expect(trace).toMatchObject({ statusCode: 504, outputTokens: 0, charge: { status: 'captured', usageSource: 'partial' } })
    expect(trace.inputTokens).toBeGreaterThan(0)
    expect(Number(trace.charge?.capturedNanoUsd)).toBeGreaterThan(0)
  })

  test('says that it begins, and then nothing for too long, has its prompt charged, and a price of the caller’s own not', async () => {
    const created = 'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_1"}}\n\n'
    const added = 'event: response.output_item.added\ndata: {"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning"}}\n\n'
    let asked = 0
    const silent = createServer((request, response) => {
      asked++
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(request.url?.startsWith('/begun') ? created + added : created)
    })
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    for (const [path, status] of [['head', 504], ['begun', 200]] as const) {
      await gateway.api('POST', '/api/connections', { kind: 'openai', name: path, baseUrl: `http://127.0.0.1:${(silent.address() as AddressInfo).port}/${path}/v1`, secret: upstreamSecret })
      await until(async () => (await fetch(`${gateway.loom.url}/v1/models/${path}/${model}`, { headers: { authorization: `Bearer ${key}` } })).ok, { what: () => `the connection ${path} to be known` })
      const ask = (headers: Record<string, string> = {}) => fetch(`${gateway.loom.url}/v1/responses`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json', ...headers }, body: JSON.stringify({ model: `${path}/${model}`, input: 'Think hard.', stream: true }) })
      asked = 0
      const response = await ask()
      expect(response.status).toBe(status)
      expect(await response.text()).toContain('upstream_timeout')
      expect(asked).toBe(1)
      const trace = await until(async () => {
        const found = TraceDetail.parse(await gateway.api('GET', `/api/traces/${response.headers.get('x-request-id')}`))
        return found.charge && found
      }, { what: () => 'the charge' })
      expect(trace).toMatchObject({ outputTokens: 0, charge: { status: 'captured', usageSource: 'partial' } })
      expect(Number(trace.charge?.capturedNanoUsd)).toBeGreaterThan(0)
      const priced = await ask({ 'x-billing-amount': '0.5' })
      await priced.text()
      expect(TraceDetail.parse(await gateway.api('GET', `/api/traces/${priced.headers.get('x-request-id')}`))).toMatchObject({ charge: null })
    }
    silent.closeAllConnections()
    silent.close()
  })

  test('works too long on a transcription that never streams, whatever is asked, is asked once, and the sound is charged', async () => {
    const { id } = await freshConnection()
    gateway.upstream.reset()
    gateway.upstream.respondWith({ fault: 'never-answers' }, { times: 3 })
    const body = new FormData()
    for (const [name, value] of [['model', `${id}/whisper-1`], ['stream', 'true']] as const) body.set(name, value)
    body.set('file', new Blob(['sound'.repeat(32_000)]), 'a.mp3')
    const response = await fetch(`${gateway.loom.url}/v1/audio/transcriptions`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body })
    expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 504, body: { error: { code: 'upstream_timeout', message: expect.not.stringContaining('Ask for a stream') } } })
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(gateway.upstream.requests).toHaveLength(1)
    // Ten seconds of 128 kbit/s, at $0.006 a minute.
    expect(TraceDetail.parse(await gateway.api('GET', `/api/traces/${response.headers.get('x-request-id')}`))).toMatchObject({ statusCode: 504, charge: { status: 'captured', usageSource: 'partial', capturedNanoUsd: '1000000' } })
  })

  test('works too long on a whole answer leaves the Idempotency-Key free, and a price of the caller’s own uncharged', async () => {
    const { id } = await freshConnection()
    const ask = (headers: Record<string, string>) => gateway.post(key, JSON.stringify({ model: `${id}/${model}`, messages }), headers)
    gateway.upstream.respondWith({ fault: 'never-answers' }, { times: 2 })
    const slow = await ask({ 'x-billing-amount': '0.5', 'x-billing-ref-id': 'slow' })
    expect(TraceDetail.parse(await gateway.api('GET', `/api/traces/${slow.headers.get('x-request-id')}`))).toMatchObject({ statusCode: 504, charge: null })
    expect((await ask({ 'idempotency-key': 'slow' })).status).toBe(504)
    expect((await ask({ 'idempotency-key': 'slow' })).status).toBe(200)
    expect((await ask({ 'x-billing-amount': '0.5', 'x-billing-ref-id': 'slow' })).status).toBe(200)
  })

  test('has no funds left shows the caller neither its words nor a wallet of their own that is empty', async () => {
    const { id } = await freshConnection()
    gateway.upstream.respondWith({ status: 402, errorBody: JSON.stringify({ error: { message: 'Insufficient Balance' } }) })
    const response = await gateway.post(key, JSON.stringify({ model: `${id}/${model}`, messages }))
    expect(response.headers.get('x-should-retry')).toBeNull()
    expect(await response.json()).toMatchObject({ error: { code: 'upstream_error', message: expect.stringMatching(/account of this connection/), details: { upstream_status: 402 } } })
  })

  test('says by its own code what is wrong with the request is understood by it', async () => {
    const { id } = await freshConnection()
    const refuse = (status: number, code: unknown) => gateway.upstream.respondWith({ status, errorBody: JSON.stringify({ error: { message: 'Too long', type: 'invalid_request_error', param: 'messages', code } }) })
    for (const [status, code, expected] of [[400, 'context_length_exceeded', 'context_length_exceeded'], [400, 'content_filter', 'content_filter'], [400, 'not a code', 'invalid_request_error'], [413, 413, 'invalid_request_error']] as const) {
      refuse(status, code)
      await expect(gateway.client(key).chat.completions.create({ model: `${id}/${model}`, messages })).rejects.toMatchObject({ status, code: expected, type: 'invalid_request_error', param: 'messages' })
    }
    const innererror = { code: 'ResponsibleAIPolicyViolation', content_filter_result: { hate: { filtered: true, severity: 'high' }, custom_blocklists: { filtered: false, details: [] } } }
    gateway.upstream.respondWith({ status: 400, errorBody: JSON.stringify({ error: { message: 'Filtered', param: 'prompt', code: 'content_filter', status: 400, innererror } }) })
    const azure = new AzureOpenAI({ endpoint: gateway.loom.url, apiKey: key, apiVersion: '2024-10-21', maxRetries: 0 })
    await expect(azure.chat.completions.create({ model, messages })).rejects.toMatchObject({ status: 400, code: 'content_filter', error: { innererror } })
  })

  test('has no quota left is not waited for, whatever status says so', async () => {
    const { id } = await freshConnection()
    gateway.upstream.reset()
    gateway.upstream.respondWith({ status: 429, errorBody: JSON.stringify({ error: { message: 'You exceeded your current quota', type: 'insufficient_quota', param: null, code: 'insufficient_quota' } }) }, { times: 2 })
    const response = await gateway.post(key, JSON.stringify({ model: `${id}/${model}`, messages }))
    expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 502, body: { error: { code: 'upstream_error', message: expect.stringMatching(/account of this connection/), details: { upstream_status: 429, upstream_code: 'insufficient_quota' } } } })
    expect(gateway.upstream.requests).toHaveLength(1)
  })

  test('is rate limited for long tells when to come back', async () => {
    const { id } = await freshConnection()
    gateway.upstream.respondWith({ status: 429, headers: { 'retry-after': '17' } })
    const response = await gateway.post(key, JSON.stringify({ model: `${id}/${model}`, messages }))
    expect(response.headers.get('retry-after')).toBe('17')
  })

  test.each(['half', 'stalls', 'error-event', 'no-end'] as const)('breaks a stream off (%s) is heard of as an error event, never as a silent end', async (fault) => {
    const { id } = await freshConnection()
    gateway.upstream.respondWith({ text: 'Half of it and then no more', chunks: 8, fault })
    const text = await (await gateway.post(key, JSON.stringify({ model: `${id}/${model}`, messages, stream: true }))).text()
    expect(text).toContain('Half')
    const last = text.trim().split('\n\n').at(-1) ?? ''
    if (fault === 'no-end') return expect(last).toBe('data: [DONE]')
    expect(JSON.parse(last.slice('data: '.length))).toMatchObject({ error: { message: expect.any(String), code: expect.stringMatching(/^upstream_/) } })
    expect(text).not.toContain('[DONE]')
  })

  test('fails again and again is left alone for a while', async () => {
    const { id } = await freshConnection()
    const call = () => gateway.post(key, JSON.stringify({ model: `${id}/${model}`, messages }))
    gateway.upstream.respondWith({ status: 500 }, { times: 6 })
    for (let attempt = 0; attempt < 3; attempt++) await call()
    const before = gateway.upstream.requests.length
    expect(await refused(call())).toMatchObject({ status: 503, body: { error: { code: 'no_healthy_target' } } })
    expect(gateway.upstream.requests).toHaveLength(before)
  })
})

let connections = 0

async function freshConnection(): Promise<{ id: string }> {
  const id = `fresh-${++connections}`
  await gateway.api('POST', '/api/connections', { kind: 'openai', name: id, baseUrl: gateway.upstream.baseUrl, secret: upstreamSecret })
  // Word of a new connection travels by notification.
  const known = () => fetch(`${gateway.loom.url}/v1/models/${id}/${model}`, { headers: { authorization: `Bearer ${key}` } })
  await until(async () => (await known()).ok, { what: () => `the connection ${id} to be known` })
  return { id }
}

async function refused(pending: Promise<Response>): Promise<{ status: number, body: unknown }> {
  const response = await pending
  return { status: response.status, body: await response.json() }
}
