import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as sendRequest } from 'node:http'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { BudgetList } from '../../../shared/billing'
import { ConnectionList } from '../../../shared/connections'
import type { KeyLimits, Policy } from '../../../shared/policy'
import { blankPdf } from '../../support/blank-pdf'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway, upstreamSecret } from '../../support/open-gateway'
import { until } from '../../support/until'
import { join, signInAs, signUp, Visitor } from '../../support/visitor'
import { admin } from '../../support/set-up-loom'

let gateway: GatewayUnderTest
let owner: Visitor
let projectId: string

beforeAll(async () => {
  gateway = await openGateway()
  owner = await signInAs(gateway.loom, admin.email, admin.password)
  projectId = String((await gateway.api('POST', '/api/projects', { name: 'Bounded' })).id)
})
beforeEach(() => gateway.upstream.reset())
afterAll(() => gateway.remove())

const body = (change: object = {}) => JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], ...change })

/** Each level, and how its rules are set; `key` makes a new one each time. */
const levels: Record<'project' | 'org' | 'platform', (policy: Policy) => Promise<unknown>> = {
  project: policy => gateway.api('PATCH', `/api/projects/${projectId}`, { policy }),
  org: policy => gateway.api('PUT', '/api/orgs/current/policy', { policy }),
  platform: policy => gateway.api('PUT', '/api/platform/policy', { policy })
}

describe.each(['project', 'org', 'platform'] as const)('a policy of the %s', (scope) => {
  test('binds a key that was in use at once, not when what is known of it is old, and is gone as fast', async () => {
    const { key } = await gateway.createKey({ projectId })
    expect((await gateway.post(key, body())).status).toBe(200)
    let served = 1
    await levels[scope]({ deniedModels: ['gpt-4o*'] })
    const refused = await until(async () => {
      const response = await gateway.post(key, body())
      if (response.status !== 200) return response
      served++
    }, { what: () => 'the policy to be heeded' })
    expect(refused.status).toBe(403)
    expect(await refused.json()).toMatchObject({ error: { code: 'model_not_allowed', param: 'model', details: { rule: 'models', scope } } })
    expect(gateway.upstream.requests).toHaveLength(served)
    await levels[scope]({})
    await until(async () => (await gateway.post(key, body())).status === 200, { what: () => 'the policy to be gone' })
  })

  test('has a budget that is spent to its last cent and no further', async () => {
    const { key } = await gateway.createKey({ projectId })
    const spend = () => gateway.post(key, body(), { 'x-billing-amount': '0.01' })
    await levels[scope]({ budgets: { day: '0.01' } })
    const refused = await until(async () => {
      const response = await spend()
      return response.status === 200 ? undefined : response
    }, { what: () => 'the budget to be spent' })
    expect(refused.status).toBe(402)
    expect(refused.headers.get('x-should-retry')).toBe('false')
    expect(await refused.json()).toMatchObject({ error: { code: 'budget_exceeded', details: { rule: 'budget_day', scope, limit_usd: '0.01', remaining_usd: '0', required_usd: '0.01', resets_at: expect.any(String) } } })
    await levels[scope]({})
    await until(async () => (await spend()).status === 200, { what: () => 'the budget to be gone' })
  })
})

describe('rules on the road', () => {
  test('a limit of the answer is told to calls of every format that ask for none, and refused to those that ask for more', async () => {
    const { key } = await gateway.createKey({ limits: { maxOutputTokens: 10 } })
    const ask = async (path: string, rest: object) => {
      const response = await fetch(`${gateway.loom.url}/v1/${path}`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: JSON.stringify({ model, ...rest }) })
      return { status: response.status, text: await response.text() }
    }
    const sent = () => gateway.upstream.requests.at(-1)?.json
    expect(await ask('responses', { input: 'Hi' })).toMatchObject({ status: 200 })
    expect(sent()).toMatchObject({ max_output_tokens: 10 })
    expect(await ask('completions', { prompt: 'Hi' })).toMatchObject({ status: 200 })
    expect(sent()).toMatchObject({ max_completion_tokens: 10 })
    expect(await ask('completions', { prompt: 'Hi', max_tokens: 4 })).toMatchObject({ status: 200 })
    expect(sent()).toMatchObject({ max_completion_tokens: 4 })
    // Anthropic's format has no call that asks for none.
    expect(await ask('messages', { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 10 })).toMatchObject({ status: 200 })
    for (const [path, rest] of [['responses', { input: 'Hi', max_output_tokens: 11 }], ['completions', { prompt: 'Hi', max_tokens: 11 }], ['messages', { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 11 }]] as const) {
      expect(await ask(path, rest), path).toMatchObject({ status: 400, text: expect.stringContaining('max_output_tokens') })
    }
  })

  test('a budget of any level refuses what has no price, for it could not count it; without one an unlimited org has it', async () => {
    const [{ key: free }, { key: bounded }] = [await gateway.createKey(), await gateway.createKey({ limits: { budgets: { day: '1' } } })]
    const ask = async (key: string, path: string, rest: object) => {
      const response = await fetch(`${gateway.loom.url}/v1/${path}`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: JSON.stringify({ model, ...rest }) })
      return { status: response.status, body: await response.json() }
    }
    const chat = JSON.parse(body({ model: 'mock/model-of-no-price' }))
    const unpriced: [string, object][] = [['chat/completions', chat], ['responses', { input: 'Hi', tools: [{ type: 'web_search' }] }]]
    for (const [path, rest] of unpriced) {
      expect(await ask(free, path, rest)).toMatchObject({ status: 200 })
      gateway.upstream.reset()
      expect(await ask(bounded, path, rest)).toMatchObject({ status: 422, body: { error: { code: 'model_without_price', message: expect.stringContaining('budget') } } })
      expect(gateway.upstream.requests).toHaveLength(0)
    }
    // What it costs is known.
    expect((await gateway.post(bounded, body({ model: 'mock/model-of-no-price' }), { 'x-billing-amount': '0.01' })).status).toBe(200)
    await levels.org({ budgets: { total: '1000' } })
    await until(async () => (await ask(free, 'chat/completions', chat)).status === 422, { what: () => 'the budget of the org to be heeded' })
    await levels.org({})
    await until(async () => (await ask(free, 'chat/completions', chat)).status === 200, { what: () => 'the budget of the org to be gone' })
  })

  test('a denied model stays denied under another name that leads to it', async () => {
    const { connections: [connection] } = ConnectionList.parse(await gateway.api('GET', '/api/connections'))
    await gateway.api('POST', '/api/models/routes', { alias: 'innocent', targets: [{ connectionId: connection?.id, upstreamModel: model }] })
    const { key } = await gateway.createKey({ limits: { deniedModels: ['gpt-4o-*'] } })
    for (const name of [model, 'innocent', `mock/${model}`]) expect((await gateway.post(key, body({ model: name }))).status, name).toBe(403)
    expect((await gateway.post(key, body({ model: 'gpt-4o' }))).status).toBe(200)
  })

  test('a denied model stays denied as an Azure deployment, and under its name in full at Google', async () => {
    const { upstream } = gateway
    const azure = await gateway.api('POST', '/api/connections', { kind: 'azure', name: 'azure', baseUrl: upstream.url, secret: upstreamSecret, config: { deployments: { prod: 'gpt-4o' } } })
    await gateway.api('POST', '/api/connections', { kind: 'google', name: 'google', baseUrl: upstream.url, secret: upstreamSecret })
    await gateway.api('POST', '/api/models/routes', { alias: 'deployed', targets: [{ connectionId: azure.id, upstreamModel: 'prod' }] })
    const names = ['prod', 'deployed', 'azure/prod', 'google/models/gemini-2.5-flash']
    const [{ key: free }, { key: bound }] = [await gateway.createKey(), await gateway.createKey({ limits: { deniedModels: ['gpt-4o*', 'google/gemini-*'] } })]
    for (const name of names) {
      expect((await gateway.post(free, body({ model: name }))).status, name).toBe(200)
      const refused = await gateway.post(bound, body({ model: name }))
      expect({ status: refused.status, body: await refused.json() }, name).toMatchObject({ status: 403, body: { error: { code: 'model_not_allowed', details: { rule: 'models', scope: 'key' } } } })
    }
  })

  test('a denied model stays denied however it is written, and as a variant; an allowed one is its very name', async () => {
    const [{ key: free }, { key: bound }, { key: one }] = [await gateway.createKey(), await gateway.createKey({ limits: { deniedModels: ['mock/Llama3.3'] } }), await gateway.createKey({ allowedModels: ['mock/llama3.3'] })]
    const { connections } = ConnectionList.parse(await gateway.api('GET', '/api/connections'))
    await gateway.api('POST', '/api/models/routes', { alias: 'llama', targets: [{ connectionId: connections.find(({ name }) => name === 'mock')?.id, upstreamModel: 'LLAMA3.3:70b' }] })
    for (const name of ['mock/llama3.3', 'mock/LLAMA3.3', 'mock/llama3.3:latest', 'mock/Llama3.3:free', 'llama']) {
      expect((await gateway.post(free, body({ model: name }))).status, name).toBe(200)
      expect((await gateway.post(bound, body({ model: name }))).status, name).toBe(403)
      expect((await gateway.post(one, body({ model: name }))).status, name).toBe(name === 'mock/llama3.3' ? 200 : 403)
    }
    expect((await gateway.post(bound, body({ model: 'mock/llama3.3-mini' }))).status).toBe(200)
  })

  test('a key with wildcards lists and calls what they stand for', async () => {
    const { key } = await gateway.createKey({ allowedModels: ['gpt-4o*'] })
    const models = await gateway.client(key).models.list()
    expect(models.data.length).toBeGreaterThan(1)
    expect(models.data.every(({ id }) => id.startsWith('gpt-4o'))).toBe(true)
    expect((await gateway.post(key, body({ model: 'gpt-5' }))).status).toBe(403)
  })

  test('a key with the scope `chat` alone chats', async () => {
    const [{ key: chat }, { key: images }] = [await gateway.createKey({ scopes: ['chat'] }), await gateway.createKey({ scopes: ['images'] })]
    expect((await gateway.post(chat, body())).status).toBe(200)
    expect((await gateway.post(images, body())).status).toBe(403)
  })

  test('a body beyond the limit is refused before it is read, naming the rule', async () => {
    const { key } = await gateway.createKey({ limits: { maxBodyBytes: 500 } })
    const response = await gateway.post(key, body({ padding: 'x'.repeat(100_000) }))
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ error: { code: 'body_too_large', details: { rule: 'max_body_bytes', scope: 'key', limit: 500 } } })
  })

  describe('a large body', () => {
    /** The answer to a call whose body never comes; undefined where it is waited for. */
    async function announce(key: string, { path = 'chat/completions', bytes, headers = {}, withinMs = 15_000 }: { path?: string, bytes?: number, headers?: Record<string, string>, withinMs?: number } = {}) {
      const type = path === 'audio/transcriptions' ? 'multipart/form-data; boundary=b' : 'application/json'
      const client = sendRequest(`${gateway.loom.url}/v1/${path}`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': type, ...bytes !== undefined && { 'content-length': bytes }, ...headers } })
      client.on('error', () => {}).flushHeaders()
      try {
        const [response]: IncomingMessage[] = await once(client, 'response', { signal: AbortSignal.timeout(withinMs) })
        return response && { status: response.statusCode, retryAfter: response.headers['retry-after'], error: z.object({ error: z.unknown() }).parse(await json(response)).error }
      } catch (error) {
        if (error instanceof Error && error.name === 'AbortError') return undefined
        throw error
      } finally {
        client.destroy()
      }
    }
    const large = 1024 * 1024

    test.each<[string, { path?: string, bytes?: number }]>([
      ['of a chat', { bytes: large }], ['of no told length', {}], ['with a file', { path: 'audio/transcriptions', bytes: large }]
    ])('%s is not waited for where the minute has no request left', async (_, body_) => {
      const { key } = await gateway.createKey({ limits: { requestsPerMinute: 1 } })
      expect((await gateway.post(key, body())).status).toBe(200)
      expect(await announce(key, body_)).toMatchObject({ status: 429, retryAfter: expect.stringMatching(/^\d+$/), error: { code: 'rate_limit_exceeded', details: { rule: 'requests_per_minute', scope: 'key', limit: 1, remaining: 0, resets_at: expect.any(String) } } })
    })

    test('is not waited for while as many calls run as may, nor of a kind that the key may not make', async () => {
      const [{ key: busy }, { key: images }] = [await gateway.createKey({ limits: { maxConcurrent: 1 } }), await gateway.createKey({ scopes: ['images'] })]
      gateway.upstream.respondWith({ fault: 'never-answers' })
      const abort = new AbortController()
      const running = fetch(`${gateway.loom.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${busy}` }, body: body(), signal: abort.signal }).catch(() => undefined)
      await gateway.upstream.received()
      expect(await announce(busy, { bytes: large })).toMatchObject({ status: 429, error: { details: { rule: 'max_concurrent', limit: 1 } } })
      abort.abort()
      await running
      expect(await announce(images, { bytes: large })).toMatchObject({ status: 403, error: { code: 'insufficient_scope' } })
      // There is room: it is waited for.
      const { key: free } = await gateway.createKey({ limits: { maxConcurrent: 1, requestsPerMinute: 1 } })
      expect(await announce(free, { bytes: large, withinMs: 1_500 })).toBeUndefined()
    })

    test('gets the answer that its Idempotency-Key has got, whatever is left', async () => {
      const { key } = await gateway.createKey({ limits: { requestsPerMinute: 1 } })
      const long = body({ messages: [{ role: 'user', content: 'word '.repeat(60_000) }] })
      expect((await gateway.post(key, long, { 'idempotency-key': 'large' })).status).toBe(200)
      const again = await gateway.post(key, long, { 'idempotency-key': 'large' })
      expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([200, 'true'])
      expect(await announce(key, { bytes: large, headers: { 'idempotency-key': 'another' } })).toMatchObject({ status: 429 })
    })
  })

  test('a prompt is measured in real tokens, not bytes', async () => {
    const { key } = await gateway.createKey({ limits: { maxInputTokens: 60 } })
    expect((await gateway.post(key, body({ messages: [{ role: 'user', content: 'word '.repeat(40) }] }))).status).toBe(200)
    const response = await gateway.post(key, body({ messages: [{ role: 'user', content: 'word '.repeat(400) }] }))
    expect(await response.json()).toMatchObject({ error: { details: { rule: 'max_input_tokens', limit: 60 } } })
  })

  test('a prompt is measured whole: the arguments of tool calls, pictures, and what the provider has kept count, too', async () => {
    const { key } = await gateway.createKey({ limits: { maxInputTokens: 1_000 } })
    const calls = { tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: 'word '.repeat(80_000) } }] }
    const pictures = Array.from({ length: 50 }, () => ({ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }))
    const refusal = { error: { code: 'invalid_request_error', details: { rule: 'max_input_tokens', limit: 1_000 } } }
    for (const messages of [[{ role: 'user', content: 'Hi' }, { role: 'assistant', ...calls }, { role: 'tool', tool_call_id: 'c', content: 'x' }], [{ role: 'user', content: pictures }]]) {
      const response = await gateway.post(key, body({ messages }))
      expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 400, body: refusal })
    }
    const continued = await fetch(`${gateway.loom.url}/v1/responses`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: JSON.stringify({ model, input: 'Hi', previous_response_id: 'resp_1' }) })
    expect(await continued.json()).toMatchObject(refusal)
    expect(gateway.upstream.requests).toHaveLength(0)
  })

  test('an answer of no asked length gets the longest allowed, one of more is refused', async () => {
    const { key } = await gateway.createKey({ limits: { maxOutputTokens: 100 } })
    expect((await gateway.post(key, body())).status).toBe(200)
    expect(gateway.upstream.requests[0]?.body.toString()).toContain('"max_completion_tokens":100')
    expect((await gateway.post(key, body({ max_tokens: 100 }))).status).toBe(200)
    expect((await gateway.post(key, body({ max_tokens: 101 }))).status).toBe(400)
  })

  test('a call refused for want of money takes none of the requests that others share with it', async () => {
    const { id } = await gateway.api('POST', '/api/projects', { name: 'Two a minute' })
    await gateway.api('PATCH', `/api/projects/${String(id)}`, { policy: { requestsPerMinute: 2, maxConcurrent: 1, tokensPerMinute: 1_000_000 } })
    const [{ key: poor }, { key: rich }] = [await gateway.createKey({ projectId: String(id), limits: { budgets: { total: '0.000000001' } } }), await gateway.createKey({ projectId: String(id) })]
    for (let call = 0; call < 3; call++) expect((await gateway.post(poor, body())).status).toBe(402)
    expect((await gateway.post(rich, body())).status).toBe(200)
    expect((await gateway.post(rich, body())).headers.get('x-ratelimit-remaining-requests')).toBe('0')
    expect((await gateway.post(rich, body())).status).toBe(429)
  })

  test('a call refused for want of money takes no request, one that fails waiting for it does', async () => {
    const hurried = await openGateway({ UPSTREAM_TOTAL_TIMEOUT_MS: '3000' })
    try {
      hurried.upstream.respondWith({ fault: 'never-answers' }, { times: 3 })
      const { key } = await hurried.createKey({ limits: { requestsPerMinute: 10, budgets: { total: '10' } } })
      const priced = (amount: string) => hurried.post(key, body(), { 'x-billing-amount': amount })
      expect((await priced('11')).status).toBe(402)
      // What the first holds the second waits for, and the third holds on when the first has ended.
      const first = priced('4')
      await hurried.upstream.received(1)
      const waiting = priced('8')
      await until(async () => /^gateway_requests_in_flight 2$/m.test(await (await fetch(`${hurried.loom.url}/metrics`)).text()), { what: () => 'the second to wait' })
      const third = priced('4')
      for (const call of [first, waiting, third]) expect((await call).status).toBe(504)
      expect(hurried.upstream.requests).toHaveLength(2)
      const checked = await fetch(`${hurried.loom.url}/v1/policy/check`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ endpoint: '/v1/chat/completions', body: JSON.parse(body()) }) })
      expect(await checked.json()).toMatchObject({ decisions: expect.arrayContaining([expect.objectContaining({ rule: 'requests_per_minute', remaining: 7 })]) })
    } finally {
      await hurried.remove()
    }
  })

  test('a refusal for a rate tells in headers, message and details what is left and when it resets', async () => {
    const { key } = await gateway.createKey({ limits: { requestsPerMinute: 1 } })
    const first = await gateway.post(key, body())
    expect(Object.fromEntries(first.headers)).toMatchObject({ 'x-ratelimit-limit-requests': '1', 'x-ratelimit-remaining-requests': '0' })
    const second = await gateway.post(key, body())
    expect(second.status).toBe(429)
    expect(Object.fromEntries(second.headers)).toMatchObject({ 'retry-after': expect.stringMatching(/^\d+$/), 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': expect.any(String) })
    expect(await second.json()).toMatchObject({ error: { message: expect.stringContaining('this key'), details: { rule: 'requests_per_minute', scope: 'key', limit: 1, remaining: 0, reset_ms: expect.any(Number), resets_at: expect.any(String) } } })
  })

  test('tokens a minute are settled at what the provider counted', async () => {
    const { key } = await gateway.createKey({ limits: { tokensPerMinute: 1_000 } })
    gateway.upstream.respondWith({ usage: { inputTokens: 10, outputTokens: 20 } }, { times: 2 })
    expect((await gateway.post(key, body({ max_tokens: 500 }))).status).toBe(200)
    const second = await gateway.post(key, body({ max_tokens: 500 }))
    // 30 of the first call, and the reservation of the second.
    expect(Number(second.headers.get('x-ratelimit-remaining-tokens'))).toBe(1_000 - 30 - 500 - body({ max_tokens: 500 }).length)
  })
})

test('calls without a cap share the tokens of a minute by an estimate, and are settled exactly', async () => {
  const { key } = await gateway.createKey({ limits: { tokensPerMinute: 200_000 } })
  gateway.upstream.respondWith({ firstByteDelayMs: 200, usage: { inputTokens: 400, outputTokens: 100 } }, { times: 11 })
  // Its cap is 128,000: two answers of that length were more than a minute has.
  const ask = (rest: object = {}) => gateway.post(key, body({ model: 'gpt-5', ...rest }))
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask()))
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200))
  const last = await ask({ max_completion_tokens: 1_000 })
  expect(Number(last.headers.get('x-ratelimit-remaining-tokens'))).toBe(200_000 - 10 * 500 - 1_000 - body({ model: 'gpt-5', max_completion_tokens: 1_000 }).length)
})

test('calls with a PDF share the tokens of a minute by its pages, whatever the model could read, and are settled exactly', async () => {
  const { key } = await gateway.createKey({ limits: { tokensPerMinute: 200_000 } })
  gateway.upstream.respondWith({ firstByteDelayMs: 200, usage: { inputTokens: 8_000, outputTokens: 100 } }, { times: 11 })
  // The model reads 400,000 tokens, twice what a minute has.
  const file = { type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${blankPdf(3)}` } }
  const ask = (content: unknown) => gateway.post(key, body({ model: 'gpt-5', max_completion_tokens: 1_000, messages: [{ role: 'user', content }] }))
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask([{ type: 'text', text: 'Read' }, file])))
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200))
  const last = await ask('Hello')
  expect(Number(last.headers.get('x-ratelimit-remaining-tokens'))).toBe(200_000 - 10 * 8_100 - 1_000 - body({ model: 'gpt-5', max_completion_tokens: 1_000 }).length)
})

describe('a dry run', () => {
  const check = async (key: string, request: object) => {
    const response = await fetch(`${gateway.loom.url}/v1/policy/check`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify(request) })
    return { status: response.status, body: await response.json() }
  }
  const chat = (change: object = {}) => ({ endpoint: '/v1/chat/completions', body: JSON.parse(body(change)) })

  test('tells every decision in order and the hold, and takes nothing', async () => {
    const { key } = await gateway.createKey({ allowedModels: ['gpt-4o*'], limits: { maxOutputTokens: 100, requestsPerMinute: 5, tokensPerMinute: 10_000, budgets: { day: '1' } } })
    const first = await check(key, chat())
    expect(first).toMatchObject({ status: 200, body: { allowed: true, estimate: { max_output_tokens: 100, hold_usd: expect.stringMatching(/^0\.0000\d+$/), targets: [{ provider: 'openai', model }] } } })
    expect(first.body.decisions.map(({ rule }: { rule: string }) => rule)).toEqual(['scopes', 'models', 'max_output_tokens', 'requests_per_minute', 'tokens_per_minute', 'budget_day', 'wallet'])
    for (let again = 0; again < 3; again++) expect(await check(key, chat())).toEqual({ ...first, body: { ...first.body, decisions: expect.anything() } })
    expect(gateway.upstream.requests).toHaveLength(0)
    for (let called = 0; called < 5; called++) expect((await gateway.post(key, body())).status).toBe(200)
    const spent = await check(key, chat())
    expect(spent.body).toMatchObject({ allowed: false, decisions: expect.arrayContaining([expect.objectContaining({ rule: 'requests_per_minute', scope: 'key', outcome: 'deny', remaining: 0, limit: 5, message: expect.any(String), resets_at: expect.any(String) })]) })
    expect(Number(spent.body.decisions.find(({ rule }: { rule: string }) => rule === 'budget_day').remaining)).toBeLessThan(1)
    // Of dry runs there may be as many a minute as of calls.
    expect(await check(key, chat())).toMatchObject({ status: 429, body: { error: { code: 'rate_limit_exceeded', details: { rule: 'requests_per_minute', scope: 'key', limit: 5, remaining: 0, resets_at: expect.any(String) } } } })
  })

  test('denies what the call would be denied, of any endpoint', async () => {
    const { key } = await gateway.createKey({ scopes: ['images'], limits: { budgets: { total: '0' } } })
    const { body: verdict } = await check(key, chat())
    expect(verdict.decisions.filter(({ outcome }: { outcome: string }) => outcome === 'deny').map(({ rule }: { rule: string }) => rule)).toEqual(['scopes', 'budget_total'])
    expect((await check(key, { endpoint: '/v1/embeddings', body: { model: 'text-embedding-3-small', input: 'x' } })).status).toBe(200)
    for (const bad of [{ endpoint: '/v1/nothing', body: {} }, { endpoint: '/v1/chat/completions', body: {} }, { endpoint: '/v1/chat/completions' }, { ...chat(), more: 1 }]) expect((await check(key, bad)).status).toBe(400)
    expect((await check(key, chat({ model: 'nope' }))).status).toBe(404)
  })

  test('of a call that uploads a file is judged as that, by how long the file is', async () => {
    const { key } = await gateway.createKey({ limits: { maxBodyBytes: 2_000_000 } })
    const transcription = (fileBytes: number | number[] | undefined, fields: object = {}, endpoint = '/v1/audio/transcriptions') => check(key, { endpoint, body: { model: 'whisper-1', ...fields }, file_bytes: fileBytes })
    const sound = 1_900_000
    const form = new FormData()
    form.set('model', 'whisper-1')
    form.set('prompt', 'Hello')
    form.set('file', new Blob([Buffer.alloc(sound)]), 'file')
    const { body: told } = await transcription(sound, { prompt: 'Hello', timestamp_granularities: ['word', 'segment'] })
    expect(told).toMatchObject({ allowed: true, estimate: { targets: [{ provider: 'openai', model: 'whisper-1' }] } })
    // A pressed second has 500 bytes; $0.006 a minute.
    expect(Number(told.estimate.hold_usd)).toBeCloseTo(sound / 500 / 60 * 0.006, 3)
    expect((await fetch(`${gateway.loom.url}/v1/audio/transcriptions`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: form })).status).toBe(200)
    const { body: denied } = await transcription(2_000_000)
    expect(denied.decisions.filter(({ outcome }: { outcome: string }) => outcome === 'deny')).toMatchObject([{ rule: 'max_body_bytes', limit: 2_000_000 }])
    expect(await transcription(sound, {}, '/v1/audio/translations')).toMatchObject({ status: 200, body: { allowed: true, estimate: { targets: [{ provider: 'openai', model: 'whisper-1' }] } } })
    const edit = async (fileBytes: number | number[]) => (await check(key, { endpoint: '/v1/images/edits', body: { model: 'gpt-image-1', prompt: 'A cat', n: 2, quality: 'low', size: '1024x1024' }, file_bytes: fileBytes })).body
    const [one, two] = [await edit(100_000), await edit([100_000, 5])]
    expect(one).toMatchObject({ allowed: true, estimate: { targets: [{ provider: 'openai', model: 'gpt-image-1' }] } })
    // Twice what a picture that is shown counts at most, at $10 a million tokens.
    expect(two.estimate.hold_usd - one.estimate.hold_usd).toBeCloseTo(2 * (65 + 4 * 129 + 6_240) * 1e-5, 2)
    // In JSON they are named in the body.
    const named = async (count: number) => (await check(key, { endpoint: '/v1/images/edits', body: { model: 'gpt-image-1', prompt: 'A cat', n: 2, quality: 'low', size: '1024x1024', images: Array.from({ length: count }, () => ({ image_url: 'https://pictures.example/cat.png' })) } })).body
    expect((await named(2)).estimate.hold_usd - (await named(1)).estimate.hold_usd).toBeCloseTo(2 * (65 + 4 * 129 + 6_240) * 1e-5, 2)
    expect(await check(key, { endpoint: '/v1/images/edits', body: { model: 'gpt-image-1', prompt: 'A cat' } })).toMatchObject({ status: 400, body: { error: { param: 'images' } } })
    expect(await transcription([5, 5])).toMatchObject({ status: 400, body: { error: { param: 'file_bytes' } } })
    expect(await transcription(5, {}, '/openai/deployments/whisper-1/audio/transcriptions')).toMatchObject({ status: 200, body: { allowed: true } })
    expect(await transcription(undefined)).toMatchObject({ status: 400, body: { error: { param: 'file_bytes' } } })
    expect(await check(key, { ...chat(), file_bytes: 5 })).toMatchObject({ status: 400, body: { error: { param: 'file_bytes' } } })
    expect(await transcription(5, { model: '' })).toMatchObject({ status: 400, body: { error: { param: 'model' } } })
    expect(await transcription(1e12)).toMatchObject({ status: 413, body: { error: { code: 'body_too_large' } } })
  })
})

describe('who may set policies', () => {
  test('members and viewers see the org\'s and change none', async () => {
    for (const role of ['member', 'viewer'] as const) {
      const visitor = await join(owner, `${role}-of-policies@example.com`, role)
      expect((await visitor.call('GET', '/api/orgs/current/policy')).status).toBe(200)
      expect((await visitor.call('PUT', '/api/orgs/current/policy', { policy: {} })).status).toBe(403)
      expect((await visitor.call('PATCH', `/api/projects/${projectId}`, { policy: {} })).status).toBe(403)
      for (const method of ['GET', 'PUT']) expect((await visitor.call(method, '/api/platform/policy', method === 'PUT' ? { policy: {} } : undefined)).status).toBe(403)
    }
  })

  test('another org\'s project is not found, and its policy not the stranger\'s', async () => {
    const stranger = await signUp(owner, 'policy-stranger@example.com')
    expect((await stranger.call('PATCH', `/api/projects/${projectId}`, { policy: { maxConcurrent: 1 } })).status).toBe(404)
    await stranger.succeed('PUT', '/api/orgs/current/policy', { policy: { maxConcurrent: 1 } })
    expect(await gateway.api('GET', '/api/orgs/current/policy')).toMatchObject({ policy: {} })
  })

  test('a key bound to a project cannot lift the project\'s rules, nor a bounded key make a freer one', async () => {
    const { key } = await gateway.createKey({ projectId, scopes: ['inference', 'workspace'], allowedModels: ['gpt-4o*'], limits: { maxOutputTokens: 100, maxInputTokens: 500, deniedModels: ['gpt-4o-audio*'] } })
    const holder = new Visitor(gateway.loom, { authorization: `Bearer ${key}` })
    expect((await holder.call('PATCH', `/api/projects/${projectId}`, { policy: {} })).status).toBe(403)
    const own = { name: 'child', projectId, scopes: ['chat'], allowedModels: ['gpt-4o-mini'], limits: { maxOutputTokens: 100, maxInputTokens: 400, deniedModels: ['gpt-4o-audio*'] } }
    expect((await holder.call('POST', '/api/keys', own)).status).toBe(201)
    for (const change of [{ allowedModels: ['gpt-*'] }, { limits: { ...own.limits, maxInputTokens: 501 } }, { limits: { ...own.limits, maxInputTokens: undefined } }, { limits: { ...own.limits, maxOutputTokens: 101 } }, { limits: { ...own.limits, deniedModels: [] } }, { scopes: ['traces'] }]) {
      expect((await holder.call('POST', '/api/keys', { ...own, ...change })).status, JSON.stringify(change)).toBeGreaterThanOrEqual(400)
    }
  })

  test.each([
    { requestsPerMinute: 0 }, { requestsPerMinute: -1 }, { maxOutputTokens: 1.5 }, { budgets: { day: '-1' } }, { budgets: { day: '1.0000000001' } }, { budgets: { day: 5 } }, { budgets: { year: '1' } },
    { allowedIps: ['10.0.0.0/33'] }, { allowedIps: [] }, { allowedModels: [''] }, { allowedScopes: ['everything'] }, { expiresAt: 'tomorrow' }, { unknown: 1 }, { maxBodyBytes: 1e300 }
  ])('%j is no policy', async (policy) => {
    expect((await owner.call('PUT', '/api/orgs/current/policy', { policy })).status).toBe(400)
  })

  test.each(['Mars/Olympus', '', 'Europe/Berlin; drop table orgs'])('"%s" is no time zone', async (timeZone) => {
    expect((await owner.call('PATCH', '/api/orgs/current', { timeZone })).status).toBe(400)
  })

  test('a change of the time zone gives no spent budget back, and its period ends no earlier', async () => {
    const { id, key } = await gateway.createKey({ limits: { budgets: { day: '0.01', week: '0.02' } } })
    const spend = () => gateway.post(key, body(), { 'x-billing-amount': '0.01' })
    const refusal = async () => {
      const { error: { details } } = z.object({ error: z.object({ details: z.object({ rule: z.string(), remaining_usd: z.string(), resets_at: z.string(), time_zone: z.string() }) }) }).parse(await (await spend()).json())
      return details
    }
    expect((await spend()).status).toBe(200)
    const before = await refusal()
    expect(before).toMatchObject({ rule: 'budget_day', remaining_usd: '0', time_zone: 'UTC', resets_at: expect.stringContaining('T00:00:00.000Z') })
    await gateway.api('PATCH', '/api/orgs/current', { timeZone: 'Pacific/Kiritimati' })
    const after = await until(async () => {
      const found = await refusal()
      return found.time_zone === 'UTC' ? undefined : found
    }, { what: () => 'the time zone to be heeded' })
    // At midnight of UTC ten hours are left of the day there: too few to be one of its own.
    expect(after).toEqual({ ...before, time_zone: 'Pacific/Kiritimati', resets_at: new Date(Date.parse(before.resets_at) + 10 * 3_600_000).toISOString() })
    const { budgets } = BudgetList.parse(await gateway.api('GET', '/api/budgets'))
    expect(budgets.find(({ subjectId, period }) => subjectId === id && period === 'day')).toMatchObject({ spentNanoUsd: '10000000', resetsAt: after.resets_at })
  })

  test('a key that a budget binds does not change the time zone, one that none binds does', async () => {
    const holder = async (limits: KeyLimits) => new Visitor(gateway.loom, { authorization: `Bearer ${(await gateway.createKey({ scopes: ['inference', 'workspace'], limits })).key}` })
    const [bound, free] = [await holder({ budgets: { day: '1' } }), await holder({ requestsPerMinute: 100 })]
    const move = (visitor: Visitor, timeZone: string) => visitor.call('PATCH', '/api/orgs/current', { timeZone })
    expect(await move(bound, 'Europe/Paris')).toMatchObject({ status: 403, body: { error: { code: 'forbidden', message: expect.stringContaining('time zone') } } })
    expect((await bound.call('PATCH', '/api/orgs/current', { traceBodies: true })).status).toBe(200)
    expect((await move(free, 'Europe/Paris')).status).toBe(200)
    await levels.org({ budgets: { month: '1000' } })
    expect((await move(free, 'Europe/Rome')).status).toBe(403)
    expect((await move(free, 'Europe/Paris')).status).toBe(200)
    await levels.org({})
  })

  test('an org\'s time zone is kept beside its name', async () => {
    expect(await gateway.api('PATCH', '/api/orgs/current', { timeZone: 'Asia/Tokyo' })).toMatchObject({ timeZone: 'Asia/Tokyo' })
    expect(await gateway.api('PATCH', '/api/orgs/current', { name: 'Renamed' })).toMatchObject({ timeZone: 'Asia/Tokyo', name: 'Renamed' })
  })
})
