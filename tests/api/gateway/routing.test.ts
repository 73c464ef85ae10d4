import type OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway, upstreamSecret } from '../../support/open-gateway'
import { z } from 'zod'
import { freePort } from '../../support/free-port'
import type { MockUpstream } from '../../support/mock-upstream'
import { mockModel } from '../../support/mock-upstream/behaviour'
import { startMockUpstream } from '../../support/mock-upstream'
import { signUp } from '../../support/set-up-loom'
import { until } from '../../support/until'

let gateway: GatewayUnderTest
/** A second provider, beside the gateway's own. */
let second: MockUpstream
let openai: OpenAI
let key: string
const connections: Record<string, string> = {}
let routes = 0
let closedPort = 0

beforeAll(async () => {
  gateway = await openGateway({ UPSTREAM_RETRIES: '0', SIGN_UP_OPEN: 'true', NEW_ORG_WALLET: 'unlimited' })
  second = await startMockUpstream()
  key = (await gateway.createKey()).key
  openai = gateway.client(key)
  closedPort = await freePort()
  for (const [name, baseUrl] of Object.entries({ first: gateway.upstream.baseUrl, second: second.baseUrl, closed: `http://127.0.0.1:${closedPort}/v1` })) {
    connections[name] = String((await gateway.api('POST', '/api/connections', { kind: 'openai', name, baseUrl, secret: upstreamSecret })).id)
  }
})
beforeEach(() => {
  gateway.upstream.reset()
  second.reset()
})
afterAll(async () => {
  await gateway.remove()
  await second.stop()
})

const messages = [{ role: 'user' as const, content: 'Hello' }]

type TargetInput = { on: 'first' | 'second' | 'closed', upstreamModel?: string, priority?: number, weight?: number, timeoutMs?: number, retries?: number }

/** Makes a route and waits until calls know it. */
async function makeRoute(strategy: string, targets: TargetInput[]): Promise<string> {
  const alias = `route-${++routes}`
  // A circuit is a connection's and a model's: names of its own keep each test's failures to itself.
  await gateway.api('POST', '/api/models/routes', { alias, strategy, targets: targets.map(({ on, ...rest }) => ({ connectionId: connections[on], upstreamModel: `${model}-${routes}`, ...rest })) })
  await until(async () => (await fetch(`${gateway.loom.url}/v1/models/${alias}`, { headers: { authorization: `Bearer ${key}` } })).ok, { what: () => `the route ${alias} to be known` })
  return alias
}
const ask = async (alias: string, rest: object = {}) => {
  const { data, response } = await openai.chat.completions.create({ model: alias, messages, ...rest, stream: false }).withResponse()
  return { text: data.choices[0]?.message.content, id: String(response.headers.get('x-request-id')) }
}
const attemptsOf = async (id: string) => (await (await fetch(`${gateway.loom.url}/v1/traces/${id}`, { headers: { authorization: `Bearer ${key}` } })).json()).attempts

describe('a route', () => {
  test('falls back in order, and the trace tells each attempt with its latency and error', async () => {
    const alias = await makeRoute('ordered', [{ on: 'first' }, { on: 'second' }])
    gateway.upstream.respondWith({ status: 500 })
    second.respondWith({ text: 'From the second' })
    const { text, id } = await ask(alias)
    expect(text).toBe('From the second')
    expect(await attemptsOf(id)).toEqual([
      { connection: 'first', provider: 'openai', model: `${model}-${routes}`, status: 500, error: 'upstream_error', latency_ms: expect.any(Number) },
      { connection: 'second', provider: 'openai', model: `${model}-${routes}`, status: 200, error: null, latency_ms: expect.any(Number) }
    ])
  })

  test.each([401, 402, 403, 404])('leaves a target whose provider answers %i for the next at once', async (status) => {
    const alias = await makeRoute('ordered', [{ on: 'first', retries: 2 }, { on: 'second' }])
    gateway.upstream.respondWith({ status })
    second.respondWith({ text: 'From the second' })
    expect(await ask(alias)).toMatchObject({ text: 'From the second' })
    expect([gateway.upstream.requests.length, second.requests.length]).toEqual([1, 1])
  })

  test('retries a target as often as it says, before the next', async () => {
    const alias = await makeRoute('ordered', [{ on: 'first', retries: 2 }, { on: 'second' }])
    gateway.upstream.respondWith({ status: 503 }, { times: 3 })
    await ask(alias)
    expect([gateway.upstream.requests.length, second.requests.length]).toEqual([3, 1])
  })

  test('leaves a target that takes longer than it may, streamed or whole', async () => {
    const alias = await makeRoute('ordered', [{ on: 'first', timeoutMs: 200, retries: 3 }, { on: 'second' }])
    for (const stream of [false, true]) {
      gateway.upstream.respondWith({ fault: 'never-answers' })
      second.respondWith({ text: 'In time' })
      const response = await gateway.post(key, JSON.stringify({ model: alias, messages, stream }))
      expect(await response.text()).toContain('In')
      expect(await attemptsOf(String(response.headers.get('x-request-id')))).toMatchObject([{ connection: 'first', error: 'upstream_timeout' }, { connection: 'second', error: null }])
    }
  })

  test('gives a stream that began within its target\'s time all the time it needs', async () => {
    const alias = await makeRoute('ordered', [{ on: 'first', timeoutMs: 2_000 }])
    gateway.upstream.respondWith({ text: 'one two three four five six', chunks: 6, chunkIntervalMs: 500 })
    const text = await (await gateway.post(key, JSON.stringify({ model: alias, messages, stream: true }))).text()
    expect(text).toContain('[DONE]')
  })

  test('streams: falls back when the first event is a failure, and not once a byte of the answer was sent', async () => {
    const alias = await makeRoute('ordered', [{ on: 'first' }, { on: 'second' }])
    gateway.upstream.respondWith({ fault: 'half', chunks: 8, text: 'Half of it and then no more' })
    const broken = await (await gateway.post(key, JSON.stringify({ model: alias, messages, stream: true }))).text()
    expect(broken).toContain('Half')
    expect(broken).toContain('"error"')
    expect(second.requests).toHaveLength(0)
    for (const fault of ['reset', 'error-first'] as const) {
      gateway.upstream.respondWith({ fault })
      second.respondWith({ text: 'Whole', chunks: 1 })
      const whole = await (await gateway.post(key, JSON.stringify({ model: alias, messages, stream: true }))).text()
      expect(whole).toContain('Whole')
      expect(whole).not.toContain('"error"')
    }
  })

  test('by weight sends each target its share', async () => {
    const alias = await makeRoute('weighted', [{ on: 'first', weight: 1_000_000 }, { on: 'second', weight: 1 }])
    for (let calls = 0; calls < 10; calls++) await ask(alias)
    expect(gateway.upstream.requests.length).toBeGreaterThan(8)
  })

  test('by latency finds the target that answers sooner, for streams too', async () => {
    const alias = await makeRoute('least-latency', [
      { on: 'first', upstreamModel: mockModel({ firstByteDelayMs: 3_000 }) },
      { on: 'second', upstreamModel: mockModel({ firstByteDelayMs: 0 }) }
    ])
    for (const stream of [false, true]) {
      gateway.upstream.reset()
      second.reset()
      for (let calls = 0; calls < 6; calls++) await (await gateway.post(key, JSON.stringify({ model: alias, messages, stream }))).text()
      expect([gateway.upstream.requests.length, second.requests.length]).toEqual([1, 5])
    }
  })

  test('by cost takes the cheaper target', async () => {
    const alias = await makeRoute('least-cost', [{ on: 'first', upstreamModel: 'gpt-4o' }, { on: 'second', upstreamModel: 'gpt-4o-mini' }])
    await ask(alias)
    expect([gateway.upstream.requests.length, second.requests.length]).toEqual([0, 1])
  })
})

describe('models: [...] in a request', () => {
  test('are tried in order, never sent upstream, and each refusal leads to the next', async () => {
    gateway.upstream.respondWith({ status: 400 })
    second.respondWith({ text: 'The alternative' })
    const { text } = await ask(`first/${model}`, { models: [`nobody/knows-it`, `second/${model}`] })
    expect(text).toBe('The alternative')
    expect(gateway.upstream.requests[0]?.json).not.toHaveProperty('models')
    expect(second.requests[0]?.json).not.toHaveProperty('models')
  })

  test('may stand in for model', async () => {
    const response = await gateway.post(key, JSON.stringify({ models: [`second/${model}`, `first/${model}`], messages }))
    expect(response.status).toBe(200)
    expect([gateway.upstream.requests.length, second.requests.length]).toEqual([0, 1])
  })

  test('that the key may not use are passed over, first or not, and refused only when none is left', async () => {
    const { key: narrow } = await gateway.createKey({ allowedModels: [`second/${model}`] })
    const ask = (body: object) => gateway.post(narrow, JSON.stringify({ messages, ...body }))
    for (const models of [[`first/${model}`, `second/${model}`], [`second/${model}`, `first/${model}`]]) expect((await ask({ models })).status).toBe(200)
    // Where only one is allowed, its refusal leads nowhere else.
    second.respondWith({ status: 400 })
    expect((await ask({ model: `first/${model}`, models: [`second/${model}`] })).status).toBe(400)
    expect([gateway.upstream.requests.length, second.requests.length]).toEqual([0, 3])
    const refused = await ask({ model: `first/${model}`, models: ['gpt-5', 'demo'] })
    expect(refused.status).toBe(403)
    expect(await refused.json()).toMatchObject({ error: { code: 'model_not_allowed', message: expect.stringContaining(`"first/${model}"`) } })
    const { key: denied } = await gateway.createKey({ limits: { deniedModels: [`first/${model}`] } })
    expect((await gateway.post(denied, JSON.stringify({ model: `first/${model}`, models: [`second/${model}`], messages }))).status).toBe(200)
    expect(second.requests).toHaveLength(4)
  })

  test.each([
    ['completions', { prompt: 'Hi' }], ['responses', { input: 'Hi' }], ['messages', { messages, max_tokens: 10 }], ['messages/count_tokens', { messages }],
    ['embeddings', { input: 'Hi' }], ['images/generations', { prompt: 'Hi' }], ['audio/speech', { input: 'Hi', voice: 'alloy' }], ['moderations', { input: 'Hi' }],
    ['rerank', { query: 'Hi', documents: ['a'] }]
  ])('lead /v1/%s from one to the next', async (path, body) => {
    const names = [`first/nobody-knows`, 'demo', `second/${model}`]
    gateway.upstream.respondWith({ status: 400 }, { times: 2 })
    const response = await fetch(`${gateway.loom.url}/v1/${path}`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: JSON.stringify({ ...body, model: 'no/such', models: names }) })
    expect(response.status).toBe(200)
    await response.arrayBuffer()
    const sent = [...gateway.upstream.requests, ...second.requests].map(({ json }) => json)
    for (const json of sent) expect(json).not.toHaveProperty('models')
  })

  test.each([{ models: 'x' }, { models: [] }, { models: [7] }, { models: Array.from({ length: 11 }, () => 'x') }, { models: [7, {}] }, { models: ['demo/\0'] }, { models: ['demo/\ud800'] }])('%j is a bad request', async (wrong) => {
    const response = await gateway.post(key, JSON.stringify({ model, messages, ...wrong }))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param: 'models' } })
  })
})

describe('a provider that says when to come back', () => {
  const limited = { status: 429, headers: { 'retry-after': '30' } }

  test.each([429, 503])('with a %i is asked last until then, by calls over a route and with alternatives', async (status) => {
    const upstreamModel = `gpt-4o-${status}`
    const alias = await makeRoute('ordered', [{ on: 'first', upstreamModel }, { on: 'second' }])
    gateway.upstream.respondWith({ ...limited, status })
    for (const body of [{ model: alias }, { model: alias }, { models: [`first/${upstreamModel}`, `second/${model}`] }]) expect((await gateway.post(key, JSON.stringify({ ...body, messages }))).status).toBe(200)
    expect([gateway.upstream.requests.length, second.requests.length]).toEqual([1, 3])
    // Others have failed: it is better asked than nobody.
    second.respondWith({ status: 500 })
    expect((await gateway.post(key, JSON.stringify({ model: alias, messages }))).status).toBe(200)
    expect([gateway.upstream.requests.length, second.requests.length]).toEqual([2, 4])
    // Its other models have limits of their own.
    await ask(await makeRoute('ordered', [{ on: 'first', upstreamModel: `other-of-${status}` }, { on: 'second' }]))
    expect(gateway.upstream.requests).toHaveLength(3)
  })

  test('is asked all the same where there is no other, and what it says goes to the caller', async () => {
    const call = () => gateway.post(key, JSON.stringify({ model: 'first/gpt-4o-alone', messages }))
    gateway.upstream.respondWith(limited)
    const refused = await call()
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '30'])
    expect((await call()).status).toBe(200)
  })
})

test('a tenant whose calls make a shared provider fail shuts it for itself alone', async () => {
  await gateway.api('POST', '/api/connections', { kind: 'openai', name: 'shared', baseUrl: gateway.upstream.baseUrl, secret: upstreamSecret, platform: true })
  const { cookie } = await signUp(gateway.loom, { name: 'Mallory', email: 'mallory@example.com', password: 'correct horse battery' })
  const created = await fetch(`${gateway.loom.url}/api/keys`, { method: 'POST', headers: { cookie, 'origin': gateway.loom.url, 'content-type': 'application/json' }, body: JSON.stringify({ name: 'provoker' }) })
  const { key: provoker } = z.object({ key: z.string() }).parse(await created.json())
  const call = (caller: string) => gateway.post(caller, JSON.stringify({ model: `shared/${model}`, messages }))
  await until(async () => (await call(key)).ok, { what: () => 'the shared connection to be known' })
  gateway.upstream.respondWith({ status: 500 }, { times: 5 })
  for (let calls = 0; calls < 5; calls++) expect((await call(provoker)).status).toBe(500)
  expect((await call(provoker)).status).toBe(503)
  expect((await call(key)).status).toBe(200)
})

test('a provider that cannot be reached rests for everybody, and a probe finds it again', async () => {
  const alias = await makeRoute('ordered', [{ on: 'closed' }])
  for (let calls = 0; calls < 5; calls++) expect((await gateway.post(key, JSON.stringify({ model: alias, messages }))).status).toBe(502)
  const resting = await gateway.post(key, JSON.stringify({ model: `closed/any-other-model`, messages }))
  expect(resting.status).toBe(503)
  expect(Number(resting.headers.get('retry-after'))).toBeGreaterThan(0)
  const back = await startMockUpstream({ port: closedPort })
  await until(async () => (await gateway.post(key, JSON.stringify({ model: alias, messages }))).ok, { what: () => 'a probe to find the provider back' })
  await back.stop()
})
