import { randomUUID } from 'node:crypto'
import { zstdDecompressSync } from 'node:zlib'
import { Redis } from 'ioredis'
import type OpenAI from 'openai'
import { z } from 'zod'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ConnectionList } from '../../../shared/connections'
import { checkLedgerOf } from '../../support/check-ledger'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway, upstreamSecret } from '../../support/open-gateway'
import { hasRedis, startRedis } from '../../support/redis'
import type { RedisServer } from '../../support/redis'
import { signUp } from '../../support/set-up-loom'
import { until } from '../../support/until'

/** An answer is asked for until it is cached: each of these is the same. */
const MANY = 100

describe.each(hasRedis ? ['memory', 'redis'] : ['memory'])('cached answers in %s', (place) => {
  let redis: RedisServer | undefined
  let gateway: GatewayUnderTest
  let key: string
  let openai: OpenAI

  beforeAll(async () => {
    redis = place === 'redis' ? await startRedis() : undefined
    gateway = await openGateway({ UPSTREAM_RETRIES: '0', SIGN_UP_OPEN: 'true', NEW_ORG_WALLET: 'unlimited', ...redis && { REDIS_URL: redis.url } })
    key = (await gateway.createKey()).key
    openai = gateway.client(key)
    await gateway.api('POST', '/api/connections', { kind: 'openai', name: 'shared', baseUrl: gateway.upstream.baseUrl, secret: upstreamSecret, platform: true })
  })
  beforeEach(() => gateway.upstream.reset())
  afterAll(async () => {
    await gateway.loom.stop()
    expect(gateway.loom.logs()).not.toMatch(/uncaughtException|unhandledRejection|MaxListenersExceeded/)
    expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
    await gateway.remove()
    await redis?.stop()
  })

  const on = { 'x-loom-cache': 'on' }
  /** A question nobody has asked before. */
  const question = (rest: object = {}) => ({ model, messages: [{ role: 'user' as const, content: randomUUID() }], ...rest })
  const post = async (body: object, headers: Record<string, string> = on, caller = key) => {
    const response = await gateway.post(caller, JSON.stringify(body), headers)
    return { status: response.status, cache: response.headers.get('x-loom-cache'), age: response.headers.get('age'), cost: response.headers.get('x-loom-cost-usd'), id: String(response.headers.get('x-request-id')), text: await response.text() }
  }
  /** Answers are kept beside the call, so the next may come too soon. */
  const hit = async (body: object, headers: Record<string, string> = on, caller = key) => until(async () => {
    const answer = await post(body, headers, caller)
    return answer.cache === 'hit' && answer
  }, { what: () => 'the answer to be cached' })
  const traceOf = async (id: string) => (await fetch(`${gateway.loom.url}/v1/traces/${id}`, { headers: { authorization: `Bearer ${key}` } })).json()
  const balance = async () => BigInt(String((await gateway.api('GET', '/api/wallet')).balanceNanoUsd))
  const setHitPrice = async (cacheHitBasisPoints: number) => {
    await gateway.api('PATCH', `/api/platform/orgs/${gateway.orgId}/wallet`, { cacheHitBasisPoints })
  }

  test('are given again to the official SDK, whole, with age, traced and free', async () => {
    const asked = question()
    gateway.upstream.respondWith({ text: 'Kept' }, { times: MANY })
    const first = await openai.chat.completions.create(asked, { headers: on }).withResponse()
    expect(first.response.headers.get('x-loom-cache')).toBe('miss')
    expect(first.response.headers.get('age')).toBeNull()
    await hit(asked)
    const before = await balance()
    gateway.upstream.reset()
    const again = await openai.chat.completions.create(asked, { headers: on }).withResponse()
    expect(again.data).toEqual(first.data)
    expect(again.response.headers.get('x-loom-cache')).toBe('hit')
    expect(Number(again.response.headers.get('age'))).toBeGreaterThanOrEqual(0)
    expect(again.response.headers.get('x-loom-cost-usd')).toBe('0')
    expect(gateway.upstream.requests).toHaveLength(0)
    expect(await balance()).toBe(before)
    const id = String(again.response.headers.get('x-request-id'))
    const trace = await until(async () => {
      const found = await traceOf(id)
      return found.cache ? found : undefined
    })
    expect(trace).toMatchObject({ cache: 'hit', cost_usd: '0', status_code: 200, provider: 'openai', model })
  })

  test('replay streams as streams, and never a stream for a whole answer or the other way round', async () => {
    const asked = question()
    const streamed = { ...asked, stream: true, stream_options: { include_usage: true } }
    gateway.upstream.respondWith({ text: 'One two three', chunks: 3 }, { times: MANY })
    const first = await post(streamed)
    const again = await hit(streamed)
    const chunks = (text: string) => text.split('\n\n').filter(line => line.includes('"content"'))
    expect(chunks(again.text)).toEqual(chunks(first.text))
    expect(again.text).toContain('"cost":0')
    expect(again.text.endsWith('data: [DONE]\n\n')).toBe(true)
    gateway.upstream.reset()
    expect(await post(asked)).toMatchObject({ cache: 'miss', text: expect.stringContaining('"chat.completion"') })
    expect(gateway.upstream.requests).toHaveLength(1)
    const sdk = []
    for await (const chunk of await openai.chat.completions.create({ ...asked, stream: true, stream_options: { include_usage: true } }, { headers: on })) sdk.push(chunk)
    expect(sdk.map(chunk => chunk.choices[0]?.delta.content ?? '').join('')).toBe('One two three')
  })

  test('are for those who ask: by header, or by the key\'s setting, which a header overrules', async () => {
    const asked = question()
    await post(asked)
    await hit(asked)
    expect(await post(asked, {})).toMatchObject({ cache: 'none' })
    const { key: caching } = await gateway.createKey({ cacheTtlSeconds: 60 })
    expect(await post(asked, {}, caching)).toMatchObject({ cache: 'hit' })
    expect(await post(asked, { 'x-loom-cache': 'off' }, caching)).toMatchObject({ cache: 'none' })
    gateway.upstream.respondWith({ text: 'Newer' })
    expect(await post(asked, { 'x-loom-cache': 'refresh' })).toMatchObject({ cache: 'miss', text: expect.stringContaining('Newer') })
    await until(async () => (await hit(asked)).text.includes('Newer'), { what: () => 'the newer answer' })
    for (const wrong of ['maybe', 'ttl=0', 'ttl=x', 'on, off', 'x'.repeat(5_000)]) expect((await post(asked, { 'x-loom-cache': wrong })).status).toBe(400)
  })

  test('do not hang on whitespace, the order of fields or who asks, but on all else', async () => {
    const asked = question({ temperature: 0, user: 'alice' })
    await post(asked)
    const { model: name, messages } = asked
    await hit(asked)
    expect(await post({ user: 'bob', temperature: 0, messages, model: name })).toMatchObject({ cache: 'hit' })
    expect(await post({ ...asked, temperature: 1 })).toMatchObject({ cache: 'miss' })
    expect(await post({ ...asked, model: `mock/${model}-mini` })).toMatchObject({ cache: 'miss' })
  })

  test('hang on which model is tried first, but not on which of equals is', async () => {
    const { connections: [connection] } = ConnectionList.parse(await gateway.api('GET', '/api/connections'))
    const [small, large] = ['gpt-4o-mini', 'gpt-4o'].map(upstreamModel => ({ connectionId: connection?.id, upstreamModel }))
    const route = (alias: string, rest: object) => gateway.api('POST', '/api/models/routes', { alias, ...rest })
    await route('cheap', { targets: [{ ...small, priority: 0 }, { ...large, priority: 1 }] })
    await route('best', { targets: [{ ...large, priority: 0 }, { ...small, priority: 1 }] })
    await route('listed', { strategy: 'ordered', targets: [small, large] })
    await route('listed-else', { strategy: 'ordered', targets: [large, small] })
    await route('either', { targets: [small, large] })
    const pairs = [
      [{ model: 'mock/gpt-4o-mini', models: ['mock/gpt-4o'] }, { model: 'mock/gpt-4o', models: ['mock/gpt-4o-mini'] }],
      [{ model: 'cheap' }, { model: 'best' }],
      [{ model: 'listed' }, { model: 'listed-else' }],
      [{ model: 'either', models: ['cheap'] }, { model: 'cheap', models: ['either'] }]
    ]
    for (const [one, other] of pairs) {
      const { messages } = question()
      await hit({ ...one, messages })
      expect(await post({ ...other, messages }), JSON.stringify(other)).toMatchObject({ cache: 'miss' })
    }
    const either = question({ model: 'either' })
    await hit(either)
    for (let again = 0; again < 10; again++) expect(await post(either)).toMatchObject({ cache: 'hit' })
  })

  test('are no answers of a connection that was changed since', async () => {
    const { id } = await gateway.api('POST', '/api/connections', { kind: 'azure', name: 'azure', baseUrl: gateway.upstream.url, secret: upstreamSecret, config: { deployments: { prod: 'gpt-4o' } } })
    const asked = question({ model: 'azure/prod' })
    const changed = (change: object) => gateway.api('PATCH', `/api/connections/${String(id)}`, change)
    for (const change of [{ config: { deployments: { prod: 'gpt-4o-mini' } } }, { baseUrl: `${gateway.upstream.url}/`, secret: upstreamSecret }]) {
      await hit(asked)
      await changed(change)
      await until(async () => {
        const { status, cache } = await post(asked)
        return status === 200 && cache === 'miss'
      }, { what: () => `another answer after ${JSON.stringify(change)}` })
    }
  })

  test('hang on the beta features that a message is asked with', async () => {
    const asked = JSON.stringify(question({ max_tokens: 10 }))
    const ask = async (headers: Record<string, string>) => {
      const response = await fetch(`${gateway.loom.url}/v1/messages`, { method: 'POST', headers: { authorization: `Bearer ${key}`, ...on, ...headers }, body: asked })
      await response.arrayBuffer()
      return response.headers.get('x-loom-cache')
    }
    const beta = { 'anthropic-beta': 'context-1m-2025-08-07' }
    expect(await ask(beta)).toBe('miss')
    await until(async () => await ask(beta) === 'hit', { what: () => 'the answer to be cached' })
    expect(await ask({ 'anthropic-beta': 'interleaved-thinking-2025-05-14' })).toBe('miss')
    expect(await ask({})).toBe('miss')
  })

  test('grow old', async () => {
    const asked = question()
    await post(asked, { 'x-loom-cache': 'ttl=1' })
    await until(async () => (await post(asked, { 'x-loom-cache': 'ttl=1' })).cache === 'miss', { what: () => 'the answer to be too old' })
  })

  test('are complete: a failure, a broken stream and a caller who left leave none', async () => {
    for (const behaviour of [{ status: 500 }, { fault: 'half', chunks: 6 }, { fault: 'error-event', chunks: 6 }] as const) {
      const asked = question({ stream: true })
      gateway.upstream.respondWith(behaviour)
      await post(asked)
      expect(await post(asked)).toMatchObject({ status: 200, cache: 'miss', text: expect.stringContaining('[DONE]') })
    }
    const asked = question({ stream: true })
    gateway.upstream.respondWith({ text: 'one two three four', chunks: 4, chunkIntervalMs: 3_000 })
    const abort = new AbortController()
    const response = await fetch(`${gateway.loom.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${key}`, ...on }, body: JSON.stringify(asked), signal: abort.signal })
    await response.body?.getReader().read()
    abort.abort()
    const left = await gateway.upstream.received(gateway.upstream.requests.length)
    await until(() => left.callerGone)
    expect(await post(asked)).toMatchObject({ cache: 'miss' })
  })

  test('cost what the platform says, exactly, and are in the ledger then', async () => {
    const asked = question({ stream: true, stream_options: { include_usage: true } })
    const usage = { inputTokens: 1_001, outputTokens: 501 }
    gateway.upstream.respondWith({ text: 'Dear', usage }, { times: MANY })
    await post(asked)
    await hit(asked)
    await setHitPrice(2_500)
    const before = await balance()
    // A quarter of ⌈1,001 × $0.15/M + 501 × $0.60/M⌉, rounded up: 450,750 → 112,688 nano-USD.
    const charged = await until(async () => {
      const answer = await post(asked)
      return answer.text.includes('"cost":0.000112688') && answer
    }, { what: () => 'the new price of cached answers' })
    await setHitPrice(0)
    expect(before - await balance()).toBeGreaterThanOrEqual(112_688n)
    expect((before - await balance()) % 112_688n).toBe(0n)
    expect(await traceOf(charged.id)).toMatchObject({ cache: 'hit', cost_usd: '0.000112688' })
    await until(async () => (await post(asked)).text.includes('"cost":0}'), { what: () => 'cached answers to be free again' })
  })

  test('are checked by policy first', async () => {
    const asked = question()
    await post(asked)
    await hit(asked)
    const { key: narrow } = await gateway.createKey({ allowedModels: ['demo'] })
    expect(await post(asked, on, narrow)).toMatchObject({ status: 403 })
    const { key: once } = await gateway.createKey({ limits: { requestsPerMinute: 1 } })
    expect(await post(asked, on, once)).toMatchObject({ status: 200, cache: 'hit' })
    expect(await post(asked, on, once)).toMatchObject({ status: 429 })
  })

  test('are an org\'s own: another org that asks the same gets none of them', async () => {
    const { cookie } = await signUp(gateway.loom, { name: 'Mallory', email: 'mallory@example.com', password: 'correct horse battery' })
    const created = await fetch(`${gateway.loom.url}/api/keys`, { method: 'POST', headers: { cookie, 'origin': gateway.loom.url, 'content-type': 'application/json' }, body: JSON.stringify({ name: 'stranger', scopes: ['inference'] }) })
    const { key: stranger } = z.object({ key: z.string() }).parse(await created.json())
    await until(async () => (await post(question({ model: `shared/${model}` }), {}, stranger)).status === 200, { what: () => 'the shared connection to be known' })
    const asked = question({ model: `shared/${model}` })
    gateway.upstream.respondWith({ text: 'a secret of the first' })
    await post(asked)
    await hit(asked)
    expect(await post(asked, on, stranger)).toMatchObject({ cache: 'miss', text: expect.not.stringContaining('a secret of the first') })
  })

  test('are purged by an admin, or by a key with the scope billing of the whole org, and by no other', async () => {
    const purge = (caller: string) => fetch(`${gateway.loom.url}/v1/cache`, { method: 'DELETE', headers: { authorization: `Bearer ${caller}` } })
    const asked = question()
    await post(asked)
    await hit(asked)
    const { key: plain } = await gateway.createKey({ scopes: ['inference'] })
    expect((await purge(plain)).status).toBe(403)
    expect(await post(asked)).toMatchObject({ cache: 'hit' })
    expect((await purge(key)).status).toBe(200)
    expect(await post(asked)).toMatchObject({ cache: 'miss' })
    await hit(asked)
    await gateway.api('DELETE', '/api/cache')
    expect(await post(asked)).toMatchObject({ cache: 'miss' })
  })

  test('that are under way while others are purged are not kept', async () => {
    for (const cache of ['on', 'refresh']) {
      const asked = question()
      gateway.upstream.respondWith({ text: 'Begun before', firstByteDelayMs: 500 })
      const running = post(asked, { 'x-loom-cache': cache })
      await gateway.upstream.received(gateway.upstream.requests.length + 1)
      await gateway.api('DELETE', '/api/cache')
      expect(await running).toMatchObject({ status: 200, cache: 'miss', text: expect.stringContaining('Begun before') })
      // What is kept is kept within a moment, so one that asked at once would not tell.
      const later = question()
      await hit(later)
      expect(await post(asked)).toMatchObject({ cache: 'miss', text: expect.not.stringContaining('Begun before') })
    }
  })

  test('stand under an Idempotency-Key like any other answer', async () => {
    const asked = question()
    await post(asked)
    await hit(asked)
    const headers = { ...on, 'idempotency-key': randomUUID() }
    const first = await post(asked, headers)
    expect(first.cache).toBe('hit')
    expect(await post(asked, headers)).toMatchObject({ cache: 'hit', id: first.id, text: first.text })
  })

  test('that are too deep to compare are simply asked for', async () => {
    const deep = `{"model":"${model}","messages":[{"role":"user","content":"Hi"}],"metadata":{},"x":${'['.repeat(3_000)}${']'.repeat(3_000)}}`
    const response = await gateway.post(key, deep, on)
    expect([200, 400]).toContain(response.status)
  })

  test.runIf(place === 'redis')('are sealed where they lie, and missed while Redis is gone', async () => {
    const asked = question()
    gateway.upstream.respondWith({ text: 'a prompt and answer nobody may read' })
    await post(asked)
    await hit(asked)
    const kept = await readRedis(String(redis?.url))
    expect(kept.some(({ length }) => length > 100)).toBe(true)
    for (const value of kept) expect(`${value}${inflated(value)}`).not.toMatch(/nobody may read|chat\.completion/)
    await redis?.crash()
    expect(await post(asked)).toMatchObject({ status: 200, cache: 'miss' })
    await redis?.start()
    await until(async () => (await post(asked)).cache === 'hit', { what: () => 'Redis to be used again' })
  })
})

/** Every string that Redis holds. */
async function readRedis(url: string): Promise<Buffer[]> {
  const client = new Redis(url)
  try {
    const values: Buffer[] = []
    for (const name of await client.keys('*')) {
      const value = await client.type(name) === 'string' ? await client.getBuffer(name) : null
      if (value) values.push(value)
    }
    return values
  } finally {
    client.disconnect()
  }
}

/** What somebody finds who looks for compressed text anywhere in it. */
function inflated(value: Buffer): string {
  const magic = Buffer.from([0x28, 0xB5, 0x2F, 0xFD])
  const at = value.indexOf(magic)
  return at === -1 ? '' : zstdDecompressSync(value.subarray(at)).toString()
}
