import { randomUUID } from 'node:crypto'
import OpenAI from 'openai'
import { z } from 'zod'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MAX_WAITING } from '../../../server/idempotency/replays'
import { checkLedgerOf } from '../../support/check-ledger'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway, upstreamSecret } from '../../support/open-gateway'
import { signUp } from '../../support/set-up-loom'
import { until } from '../../support/until'

let gateway: GatewayUnderTest
let key: string
let openai: OpenAI

beforeAll(async () => {
  gateway = await openGateway({ UPSTREAM_RETRIES: '0', SIGN_UP_OPEN: 'true', NEW_ORG_WALLET: 'unlimited' })
  await gateway.api('POST', '/api/connections', { kind: 'azure', name: 'hosted', baseUrl: gateway.upstream.url, secret: upstreamSecret, config: { deployments: { prod: 'gpt-4.1' } } })
  key = (await gateway.createKey()).key
  openai = gateway.client(key)
})
beforeEach(() => gateway.upstream.reset())
afterAll(async () => {
  await gateway.loom.stop()
  expect(gateway.loom.logs()).not.toMatch(/uncaughtException|unhandledRejection|MaxListenersExceeded/)
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
  await gateway.remove()
})

const messages = [{ role: 'user' as const, content: 'Hello' }]
const body = (rest: object = {}) => JSON.stringify({ model, messages, max_tokens: 50, ...rest })
const post = (once: string, rest: object = {}, caller = key, headers: Record<string, string> = {}) => gateway.post(caller, body(rest), { 'idempotency-key': once, ...headers })
const balance = async () => BigInt(String((await gateway.api('GET', '/api/wallet')).balanceNanoUsd))
const conflict = { error: { code: 'idempotency_conflict', message: expect.any(String), param: 'Idempotency-Key' } }
const call = async (path: string, asked: object, headers: Record<string, string>) => {
  return tell(await fetch(`${gateway.loom.url}/v1/${path}`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json', ...headers }, body: JSON.stringify(asked) }))
}
/** Of those that take a form, what it calls its file. */
const fileOf: Record<string, string> = { 'audio/transcriptions': 'file', 'audio/translations': 'file', 'images/edits': 'image' }
/** A form with a file in it, of another boundary each time. */
const upload = async (path: string, fields: object, headers: Record<string, string>) => {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.set(name, String(value))
  form.set(fileOf[path] ?? 'file', new Blob(['sound']), 'a.wav')
  return tell(await fetch(`${gateway.loom.url}/v1/${path}`, { method: 'POST', headers: { authorization: `Bearer ${key}`, ...headers }, body: form }))
}
const tell = async (response: Response) => {
  const { status } = response
  return { status, type: response.headers.get('content-type'), id: response.headers.get('x-request-id'), replayed: response.headers.get('idempotent-replayed'), bytes: Buffer.from(await response.arrayBuffer()).toString('base64') }
}
const read = async (response: Response) => ({ status: response.status, id: response.headers.get('x-request-id'), replayed: response.headers.get('idempotent-replayed'), text: await response.text() })

describe('a repeated call', () => {
  test('gets the answer of the first from the official SDK, with its id, origin and cost, and is not charged again', async () => {
    const headers = { 'Idempotency-Key': randomUUID() }
    gateway.upstream.respondWith({ text: 'Only once' })
    const first = await openai.chat.completions.create({ model, messages }, { headers }).withResponse()
    expect(first.response.headers.get('idempotent-replayed')).toBeNull()
    const after = await balance()
    const second = await openai.chat.completions.create({ model, messages }, { headers }).withResponse()
    expect(second.data).toEqual(first.data)
    expect(second.response.headers.get('idempotent-replayed')).toBe('true')
    for (const name of ['x-request-id', 'x-loom-provider', 'x-loom-model', 'x-loom-attempts', 'x-loom-cost-usd', 'content-type']) expect(second.response.headers.get(name)).toBe(first.response.headers.get(name))
    expect(gateway.upstream.requests).toHaveLength(1)
    expect(await balance()).toBe(after)
  })

  test('gets a stream as a stream, byte for byte, its usage with the cost included', async () => {
    const once = randomUUID()
    gateway.upstream.respondWith({ text: 'One two three', chunks: 3 })
    const streamed = { stream: true, stream_options: { include_usage: true } }
    const first = await read(await post(once, streamed))
    const response = await post(once, streamed)
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const second = await read(response)
    expect(second).toEqual({ ...first, replayed: 'true' })
    expect(second.text).toMatch(/"cost":[\d.e-]+.*\n\ndata: \[DONE\]\n\n$/)
    expect(gateway.upstream.requests).toHaveLength(1)
  })

  test('streams to the official SDK as the first did', async () => {
    const headers = { 'Idempotency-Key': randomUUID() }
    const stream = async () => {
      const chunks = []
      for await (const chunk of await openai.chat.completions.create({ model, messages, stream: true }, { headers })) chunks.push(chunk)
      return chunks
    }
    const first = await stream()
    expect(first.length).toBeGreaterThan(1)
    expect(await stream()).toEqual(first)
    expect(gateway.upstream.requests).toHaveLength(1)
  })

  test('is a conflict with another body, be it whitespace, or with another amount', async () => {
    const once = randomUUID()
    expect((await post(once, {}, key, { 'x-billing-amount': '0.001' })).status).toBe(200)
    const others = [
      post(once, { temperature: 0 }, key, { 'x-billing-amount': '0.001' }),
      gateway.post(key, `${body()} `, { 'idempotency-key': once, 'x-billing-amount': '0.001' }),
      post(once, {}, key, { 'x-billing-amount': '0.002' }),
      post(once)
    ]
    for (const other of others) {
      const response = await other
      expect(response.status).toBe(409)
      expect(await response.json()).toMatchObject(conflict)
    }
    expect(gateway.upstream.requests).toHaveLength(1)
  })

  test('is a conflict on another path', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const both = { model, messages, prompt: 'Hello', max_tokens: 50 }
    expect((await call('chat/completions', both, headers)).status).toBe(200)
    expect((await call('completions', both, headers)).status).toBe(409)
    expect(gateway.upstream.requests).toHaveLength(1)
  })

  test.each([
    ['completions', { model, prompt: 'Hello' }],
    ['responses', { model, input: 'Hello' }],
    ['messages', { model, messages, max_tokens: 50 }],
    ['messages/count_tokens', { model, messages }],
    ['embeddings', { model: 'demo', input: 'Hello' }],
    ['images/generations', { model: 'demo', prompt: 'A loom' }],
    ['audio/speech', { model: 'demo', voice: 'alloy', input: 'Hello' }],
    ['audio/translations', { model: 'mock/whisper-1' }],
    ['images/edits', { model: 'mock/gpt-image-1', prompt: 'A loom' }],
    ['moderations', { model: 'demo', input: 'Hello' }],
    ['rerank', { model: 'demo', query: 'cat', documents: ['dog', 'cat'] }]
  ])('of /v1/%s is answered by the first, byte for byte, and not charged again', async (path, asked) => {
    const headers = { 'idempotency-key': randomUUID() }
    const send = () => path in fileOf ? upload(path, asked, headers) : call(path, asked, headers)
    const first = await send()
    expect(first).toMatchObject({ status: 200, replayed: null })
    const after = await balance()
    expect(await send()).toEqual({ ...first, replayed: 'true' })
    expect(await balance()).toBe(after)
  })

  test.each([
    ['completions', model, { prompt: 'Hello', stream: true }],
    ['responses', model, { input: 'Hello', stream: true }],
    ['messages', model, { messages, max_tokens: 50, stream: true }],
    ['images/generations', 'gpt-image-1', { prompt: 'A loom', stream: true, partial_images: 1 }],
    ['images/edits', 'gpt-image-1', { prompt: 'A loom', stream: true, partial_images: 1 }],
    ['audio/transcriptions', 'gpt-4o-transcribe', { stream: 'true' }]
  ])('of /v1/%s streams as the first did, byte for byte, and is not charged again', async (path, served, asked) => {
    const headers = { 'idempotency-key': randomUUID() }
    const body = { ...asked, model: `mock/${served}` }
    const send = () => path in fileOf ? upload(path, body, headers) : call(path, body, headers)
    const first = await send()
    expect(first).toMatchObject({ status: 200, type: expect.stringContaining('text/event-stream'), replayed: null })
    const after = await balance()
    expect(await send()).toEqual({ ...first, replayed: 'true' })
    expect(await balance()).toBe(after)
    expect(gateway.upstream.requests).toHaveLength(1)
  })

  test.each([false, true])('that comes while the first runs waits for it, and gets the same (stream: %s)', async (stream) => {
    const once = randomUUID()
    gateway.upstream.respondWith({ text: 'Worth waiting for', firstByteDelayMs: 300, chunks: 4, chunkIntervalMs: 50 })
    const before = await balance()
    const answers = await Promise.all(Array.from({ length: 12 }, async () => read(await post(once, { stream }, key, { 'x-billing-amount': '0.001' }))))
    expect(gateway.upstream.requests).toHaveLength(1)
    expect(new Set(answers.map(({ status, id, text }) => `${status} ${id} ${text}`)).size).toBe(1)
    expect(answers.filter(({ replayed }) => replayed === null)).toHaveLength(1)
    expect(before - await balance()).toBe(1_000_000n)
  })

  test('that finds as many waiting as may is a conflict, to be tried again; those that wait get the answer', async () => {
    const once = randomUUID()
    gateway.upstream.respondWith({ firstByteDelayMs: 5_000 })
    const first = post(once)
    await gateway.upstream.received()
    const answers = await Promise.all(Array.from({ length: MAX_WAITING + 4 }, () => post(once)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(MAX_WAITING)
    for (const refused of answers.filter(({ status }) => status !== 200)) {
      expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toEqual([409, '5', { error: expect.objectContaining(conflict.error) }])
    }
    expect((await first).status).toBe(200)
    expect(gateway.upstream.requests).toHaveLength(1)
  })

  test('that waits with another body is a conflict at once', async () => {
    const once = randomUUID()
    gateway.upstream.respondWith({ firstByteDelayMs: 1_000 })
    const first = post(once)
    await gateway.upstream.received()
    expect((await post(once, { temperature: 1 })).status).toBe(409)
    expect((await first).status).toBe(200)
  })
})

describe('what failed without a charge frees the key', () => {
  test.each([500, 503, 429, 400, 401])('a provider\'s %i: the next attempt is made anew', async (status) => {
    const once = randomUUID()
    gateway.upstream.respondWith({ status })
    expect((await post(once)).ok).toBe(false)
    const again = await post(once)
    expect(again.status).toBe(200)
    expect(again.headers.get('idempotent-replayed')).toBeNull()
  })

  test('a refusal of our own, before the provider was called', async () => {
    const once = randomUUID()
    expect((await gateway.post(key, '{"model":1}', { 'idempotency-key': once })).status).toBe(400)
    expect((await post(once, { model: 'nobody-knows-it' })).status).toBe(404)
    await until(async () => (await post(once)).status === 200, { what: () => 'the key to be free again' })
  })

  test('with waiters: one of them takes it over', async () => {
    const once = randomUUID()
    gateway.upstream.respondWith({ status: 500, firstByteDelayMs: 300 })
    const answers = await Promise.all(Array.from({ length: 5 }, async () => read(await post(once))))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 500])
    expect(gateway.upstream.requests).toHaveLength(2)
  })
})

describe('a caller who leaves', () => {
  test('in the middle of a stream finds the whole answer when it comes back, charged once', async () => {
    const once = randomUUID()
    gateway.upstream.respondWith({ text: 'one two three four five six', chunks: 6, chunkIntervalMs: 80 })
    const abort = new AbortController()
    const before = await balance()
    const response = await fetch(`${gateway.loom.url}/v1/chat/completions`, {
      method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'idempotency-key': once, 'x-billing-amount': '0.001' }, body: body({ stream: true }), signal: abort.signal
    })
    await response.body?.getReader().read()
    abort.abort()
    const again = await read(await post(once, { stream: true }, key, { 'x-billing-amount': '0.001' }))
    expect(again).toMatchObject({ status: 200, replayed: 'true', text: expect.stringContaining('[DONE]') })
    expect(gateway.upstream.requests).toHaveLength(1)
    expect(before - await balance()).toBe(1_000_000n)
  })

  test('by its SDK\'s own timeout is answered by the SDK\'s own retry, while the provider is asked once', async () => {
    const impatient = new OpenAI({ apiKey: key, baseURL: `${gateway.loom.url}/v1`, maxRetries: 4, timeout: 400 })
    gateway.upstream.respondWith({ text: 'At last', firstByteDelayMs: 900, chunks: 1 })
    const answer = await impatient.chat.completions.create({ model, messages }, { headers: { 'Idempotency-Key': randomUUID() } })
    expect(answer.choices[0]?.message.content).toBe('At last')
    expect(gateway.upstream.requests).toHaveLength(1)
  })

  test('is not waited for by a provider that fails half way: what came is kept with its error, and charged once', async () => {
    const once = randomUUID()
    gateway.upstream.respondWith({ text: 'Half of it and then no more', chunks: 8, fault: 'half' })
    const first = await read(await post(once, { stream: true }))
    const after = await balance()
    const second = await read(await post(once, { stream: true }))
    expect(second.text).toBe(first.text)
    expect(second.text).toContain('"error"')
    expect(await balance()).toBe(after)
  })
})

describe('a stranger', () => {
  test('with the same Idempotency-Key and body, of another org or with another key of the org, gets an answer of its own', async () => {
    const once = randomUUID()
    await gateway.api('POST', '/api/connections', { kind: 'openai', name: 'shared', baseUrl: gateway.upstream.baseUrl, secret: upstreamSecret, platform: true })
    const { cookie } = await signUp(gateway.loom, { name: 'Mallory', email: 'mallory@example.com', password: 'correct horse battery' })
    const created = await fetch(`${gateway.loom.url}/api/keys`, { method: 'POST', headers: { cookie, 'origin': gateway.loom.url, 'content-type': 'application/json' }, body: JSON.stringify({ name: 'stranger' }) })
    const { key: stranger } = z.object({ key: z.string() }).parse(await created.json())
    const { key: colleague } = await gateway.createKey()
    const ask = (caller: string) => post(once, { model: `shared/${model}` }, caller)
    await until(async () => (await gateway.post(stranger, body({ model: `shared/${model}` }))).ok, { what: () => 'the shared connection to be known' })
    gateway.upstream.reset()
    gateway.upstream.respondWith({ text: 'a secret of the first' })
    expect(await (await ask(key)).text()).toContain('a secret of the first')
    for (const caller of [stranger, colleague]) {
      const answer = await read(await ask(caller))
      expect(answer).toMatchObject({ status: 200, replayed: null })
      expect(answer.text).not.toContain('a secret of the first')
    }
    expect(await (await ask(key)).text()).toContain('a secret of the first')
  })

  test('without a valid key, or with one that may not call, learns nothing', async () => {
    const once = randomUUID()
    await post(once)
    expect((await gateway.post('loom_sk_nonsense', body(), { 'idempotency-key': once })).status).toBe(401)
    const { key: reader } = await gateway.createKey({ scopes: ['traces'] })
    expect((await post(once, {}, reader)).status).toBe(403)
  })
})

describe('an answer is not given again to a key that may not make the call any more', () => {
  test.each([
    ['its model is allowed no more', { allowedModels: ['demo'] }, { status: 403, code: 'model_not_allowed' }],
    ['its model is denied', { deniedModels: [model] }, { status: 403, code: 'model_not_allowed' }],
    ['its endpoint is no longer allowed', { allowedScopes: ['embeddings'] }, { status: 403, code: 'insufficient_scope' }],
    ['its calls have ended', { expiresAt: '2020-01-01T00:00:00Z' }, { status: 403, code: 'forbidden' }],
    ['its answers may not be so long', { maxOutputTokens: 10 }, { status: 400, code: 'invalid_request_error' }]
  ])('because %s, and gets the refusal that the call would', async (_, policy, { status, code }) => {
    const projectId = String((await gateway.api('POST', '/api/projects', { name: 'Bounded later' })).id)
    const bound = (await gateway.createKey({ projectId })).key
    const once = randomUUID()
    gateway.upstream.respondWith({ text: 'allowed then' })
    expect((await post(once, {}, bound)).status).toBe(200)
    await gateway.api('PATCH', `/api/projects/${projectId}`, { policy })
    const refused = await until(async () => {
      const response = await post(once, {}, bound)
      return response.status !== 200 && response
    }, { what: () => 'the new rule to be heeded' })
    expect(await refused.json()).toMatchObject({ error: { code } })
    const id = String(refused.headers.get('x-request-id'))
    const trace = await until(async () => {
      const found = await fetch(`${gateway.loom.url}/v1/traces/${id}`, { headers: { authorization: `Bearer ${key}` } })
      return found.ok && await found.json()
    }, { what: () => 'the refusal to be traced' })
    expect({ status: refused.status, trace }).toMatchObject({ status, trace: { status_code: status, cost_usd: '0' } })
    expect(gateway.upstream.requests).toHaveLength(1)
  })

  test.each([
    ['its own', `mock/${model}`, model],
    ['that of its connection', model, `mock/${model}`],
    ['that of all its connection serves', model, 'mock/*'],
    ['that of what a deployment serves', 'hosted/prod', 'gpt-4.1']
  ])('because the model that wrote it is denied, by a name that is not the call\'s: %s', async (_, asked, denied) => {
    const created = await gateway.createKey()
    const once = randomUUID()
    const ask = () => post(once, { model: asked }, created.key)
    expect((await ask()).status).toBe(200)
    await gateway.api('PATCH', `/api/keys/${created.id}`, { limits: { deniedModels: [denied] } })
    await until(async () => (await ask()).status === 403, { what: () => 'the new rule to be heeded' })
    expect(gateway.upstream.requests).toHaveLength(1)
  })
})

test.each([['10,000 characters', 'x'.repeat(10_000)], ['nothing', ''], ['a space', 'a b'], ['256 characters', 'x'.repeat(256)]])('an Idempotency-Key of %s is a bad request', async (_, once) => {
  const response = await post(once)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { param: 'Idempotency-Key' } })
})

test('an answer too long to keep is given once, and never charged again', async () => {
  const once = randomUUID()
  gateway.upstream.respondWith({ text: 'x'.repeat(9 * 1024 * 1024) })
  const first = await read(await post(once))
  expect(first.status).toBe(200)
  const again = await post(once)
  expect(again.status).toBe(409)
  expect(await again.json()).toMatchObject({ error: { ...conflict.error, details: { request_id: first.id } } })
  expect(gateway.upstream.requests).toHaveLength(1)
})
