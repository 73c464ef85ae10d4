import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { checkLedgerOf } from '../../support/check-ledger'
import { blankPdf } from '../../support/blank-pdf'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway, upstreamSecret } from '../../support/open-gateway'
import { until } from '../../support/until'
import { parseUsdDecimal, toUsdDecimal } from '../../../shared/money'

let gateway: GatewayUnderTest
let key: string

beforeAll(async () => {
  gateway = await openGateway({ NEW_ORG_WALLET: 'prepaid' })
  await gateway.api('PATCH', `/api/platform/orgs/${gateway.orgId}/wallet`, { mode: 'prepaid' })
  for (const [kind, name] of [['anthropic', 'claude'], ['google', 'gemini']]) await gateway.api('POST', '/api/connections', { kind, name, baseUrl: gateway.upstream.url, secret: upstreamSecret })
  key = (await gateway.createKey()).key
})
beforeEach(() => gateway.upstream.reset())
afterAll(async () => {
  await gateway.loom.stop()
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
  await gateway.remove()
})

const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 100 })

let funds = 0
const topUp = (amountUsd: string, refId = `funds-${++funds}`) => gateway.api('POST', `/api/platform/orgs/${gateway.orgId}/funds`, { amountUsd, refId })

/** Waits for leases, too: an org that was busy a moment ago has money set aside for a little longer. */
const nothingHeld = () => until(async () => (await gateway.api('GET', '/api/wallet')).heldNanoUsd === '0', { what: () => 'every hold to be settled' })

async function empty(): Promise<void> {
  await nothingHeld()
  const { balanceNanoUsd } = await gateway.api('GET', '/api/wallet')
  const balance = BigInt(String(balanceNanoUsd))
  const decimal = `${balance / 1_000_000_000n}.${(balance % 1_000_000_000n).toString().padStart(9, '0')}`
  if (balance > 0n) await topUp(`-${decimal}`)
}

describe('a prepaid wallet', () => {
  beforeEach(empty)

  test('that is empty refuses with 402, says what is missing, and tells SDKs not to retry', async () => {
    const response = await gateway.post(key, body)
    expect(response.status).toBe(402)
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(await response.json()).toMatchObject({ error: { code: 'insufficient_funds', details: { available_usd: '0' } } })
    expect(gateway.upstream.requests).toHaveLength(0)
  })

  test('refuses a call of more than a ledger can hold as it does any other that is too dear', async () => {
    await gateway.api('POST', '/api/connections', { kind: 'openai-compatible', name: 'dear', baseUrl: gateway.upstream.baseUrl, secret: 'sk-dear' })
    await gateway.api('POST', '/api/models/prices', { providerKind: 'openai-compatible', model: 'dearest', inputNanoUsd: '1', outputNanoUsd: '999999999999999' })
    const ask = () => fetch(`${gateway.loom.url}/v1/completions`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: JSON.stringify({ model: 'dear/dearest', prompt: Array.from({ length: 2_048 }, () => ''), n: 128, max_tokens: 10_000_000 }) })
    // Word of a price travels by notification.
    const response = await until(async () => {
      const answered = await ask()
      return answered.status === 404 || (await answered.clone().json()).error?.code === 'model_without_price' ? undefined : answered
    }, { what: () => 'the price to be known' })
    expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 402, body: { error: { code: 'insufficient_funds' } } })
  })

  test('with one last cent lets exactly one of two racing calls pass', async () => {
    await topUp('0.01')
    gateway.upstream.respondWith({ firstByteDelayMs: 300 }, { times: 2 })
    const responses = await Promise.all([1, 2].map(() => gateway.post(key, body, { 'x-billing-amount': '0.01' })))
    expect(responses.map(response => response.status).sort()).toEqual([200, 402])
    expect(await gateway.api('GET', '/api/wallet')).toMatchObject({ balanceNanoUsd: '0', heldNanoUsd: '0' })
  })

  test('never goes below zero under fifty racing calls, and is used to the last call it can pay', async () => {
    await topUp('0.025')
    const responses = await Promise.all(Array.from({ length: 50 }, () => gateway.post(key, body, { 'x-billing-amount': '0.001' })))
    expect(responses.filter(response => response.status === 200)).toHaveLength(25)
    expect(await gateway.api('GET', '/api/wallet')).toMatchObject({ balanceNanoUsd: '0', heldNanoUsd: '0' })
  })

  test('is charged what a call cost, to the nano-USD, and holds nothing afterwards', async () => {
    await topUp('1')
    gateway.upstream.respondWith({ usage: { inputTokens: 7, outputTokens: 3 } })
    const response = await gateway.post(key, body)
    await response.text()
    // 7 × 150 + 3 × 600 nano-USD
    expect(response.headers.get('x-loom-cost-usd')).toBe('0.00000285')
    await nothingHeld()
    expect(await gateway.api('GET', '/api/wallet')).toMatchObject({ balanceNanoUsd: '999997150' })
  })

  test('that cannot cover all a model may write still pays for an answer, capped at what it has, and says so', async () => {
    await topUp('0.06')
    const uncapped = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello' }] }
    // 16,384 tokens at $10 per million would be $0.16.
    const [first, second] = await Promise.all([1, 2].map(() => gateway.post(key, JSON.stringify(uncapped))))
    for (const response of [first, second]) {
      expect(response?.status).toBe(200)
      const cap = Number(response?.headers.get('x-loom-max-tokens'))
      expect(cap).toBeGreaterThan(1_000)
      expect(cap).toBeLessThanOrEqual(4_096)
    }
    expect(gateway.upstream.requests.map(({ json }) => json.max_completion_tokens)).toEqual(expect.arrayContaining([Number(first?.headers.get('x-loom-max-tokens'))]))
    expect((await gateway.post(key, JSON.stringify({ ...uncapped, max_tokens: 16_000 }))).status).toBe(402)
    await nothingHeld()
  })

  test('pays for PDFs whose blank pages cost far more than their bytes: of ten at once with funds for two, two pass', async () => {
    await topUp('0.04')
    gateway.upstream.respondWith({ usage: { inputTokens: 120_000, outputTokens: 20 } }, { times: 10 })
    const file = { type: 'file', file: { filename: 'blank.pdf', file_data: `data:application/pdf;base64,${blankPdf(40)}` } }
    const pdf = JSON.stringify({ model, messages: [{ role: 'user', content: [{ type: 'text', text: 'Read' }, file] }], max_tokens: 100 })
    const responses = await Promise.all(Array.from({ length: 10 }, () => gateway.post(key, pdf)))
    expect(responses.map(response => response.status).sort()).toEqual([200, 200, ...Array.from({ length: 8 }, () => 402)])
    await nothingHeld()
    // 120,000 × 150 + 20 × 600 nano-USD each, and nothing left out.
    expect(await gateway.api('GET', '/api/wallet')).toMatchObject({ balanceNanoUsd: String(40_000_000 - 2 * 18_012_000) })
  })

  test.each([
    // 6,000 tokens and 20, at $1 and $5, $0.30 and $2.50, $2.50 and $10 a million.
    ['claude-haiku-4-5', ['/v1/messages/count_tokens', '/v1/messages'], '0.0061'],
    ['gemini-2.5-flash', ['/v1beta/models/gemini-2.5-flash:countTokens', '/v1beta/models/gemini-2.5-flash:generateContent'], '0.00185'],
    ['gpt-4o', ['/v1/responses/input_tokens', '/v1/chat/completions'], '0.0152']
  ])('that cannot cover the whole window of %s pays for a PDF by its provider\'s own count, and for none without one', async (model, called, costUsd) => {
    await topUp('0.05')
    const file = { type: 'file', file: { filename: 'blank.pdf', file_data: `data:application/pdf;base64,${blankPdf(2)}` } }
    const ask = { model, messages: [{ role: 'user', content: [{ type: 'text', text: 'Read' }, file] }], max_tokens: 100 }
    const paths = () => gateway.upstream.requests.map(({ path }) => path)
    const counted = { usage: { inputTokens: 6_000, outputTokens: 20 } }
    gateway.upstream.respondWith(counted, { times: 2 })
    const response = await gateway.post(key, JSON.stringify(ask))
    expect(response.status).toBe(200)
    expect(response.headers.get('x-loom-cost-usd')).toBe(costUsd)
    expect(paths()).toEqual(called)
    await nothingHeld()
    for (const behaviour of [{ usage: { inputTokens: 100_000, outputTokens: 20 } }, { status: 500 }, { fault: 'garbage' as const }, { fault: 'reset' as const }]) {
      gateway.upstream.reset()
      gateway.upstream.respondWith(behaviour)
      expect((await gateway.post(key, JSON.stringify(ask))).status).toBe(402)
      expect(paths()).toEqual(called.slice(0, 1))
    }
    gateway.upstream.respondWith(counted)
    const check = await fetch(`${gateway.loom.url}/v1/policy/check`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: JSON.stringify({ endpoint: '/v1/chat/completions', body: ask }) })
    expect(await check.json()).toMatchObject({ allowed: true })
  })

  test('pays for words that our own count makes too many of by their provider\'s count, and is refused where that is too many, too', async () => {
    // 20,000 words are some 20,000 tokens, of which ours allows Claude twice as many, $0.04; the bytes alone would be $0.20.
    await topUp('0.03')
    const ask = JSON.stringify({ model: 'claude-haiku-4-5', messages: [{ role: 'user', content: 'every good boy does fine '.repeat(4_000) }], max_tokens: 100 })
    const paths = () => gateway.upstream.requests.map(({ path }) => path)
    gateway.upstream.respondWith({ usage: { inputTokens: 22_000, outputTokens: 20 } }, { times: 2 })
    const response = await gateway.post(key, ask)
    expect([response.status, response.headers.get('x-loom-cost-usd')]).toEqual([200, '0.0221'])
    expect(paths()).toEqual(['/v1/messages/count_tokens', '/v1/messages'])
    await nothingHeld()
    await topUp('0.0221')
    gateway.upstream.reset()
    gateway.upstream.respondWith({ usage: { inputTokens: 32_000, outputTokens: 20 } })
    expect((await gateway.post(key, ask)).status).toBe(402)
    expect(paths()).toEqual(['/v1/messages/count_tokens'])
  })

  test('refuses a model whose price nobody knows, rather than charging nothing', async () => {
    await topUp('1')
    const response = await gateway.post(key, JSON.stringify({ model: 'mock/model-of-no-price', messages: [{ role: 'user', content: 'Hi' }] }))
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ error: { code: 'model_without_price' } })
  })

  test.each<[string, object]>([
    ['web_search_options', { web_search_options: {} }], ['web_search_options', { web_search_options: { mode: 'off' } }], ['plugins', { plugins: [{ id: 'web' }] }], ['preset', { preset: 'searches' }], ['search_parameters', { search_parameters: { mode: 'auto' } }],
    ['browser_search', { tools: [{ type: 'browser_search' }] }], ['googleSearch', { tools: [{ googleSearch: {} }] }],
    ['googleSearch', { tools: [{ type: 'function', googleSearch: {} }] }], ['urlContext', { tools: [{ urlContext: {}, type: 'custom' }] }], ['service_tier', { service_tier: 'priority' }]
  ])('refuses what is billed beside tokens, or at a dearer rate than we know: %s', async (name, rest) => {
    await topUp('1')
    const response = await gateway.post(key, JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 10, ...rest }))
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ error: { code: 'model_without_price', message: expect.stringContaining(name) } })
    expect(gateway.upstream.requests).toHaveLength(0)
  })

  const claude = 'claude-sonnet-4-5'
  const question = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 10 }
  const put = (path: string, asked: object) => fetch(`${gateway.loom.url}/v1/${path}`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify(asked) })

  test.each<[string, object]>([
    ['chat/completions', { ...question, model: claude, service_tier: 'priority' }], ['chat/completions', { ...question, model: claude, plugins: [] }],
    ['responses', { model: claude, input: 'Hi', service_tier: 'priority' }], ['completions', { model: claude, prompt: 'Hi', service_tier: 'priority' }], ['completions', { model, prompt: 'Hi', service_tier: 'priority' }],
    ['messages', { ...question, model, speed: 'fast' }]
  ])('takes what no provider of the model gets: %s %j', async (path, asked) => {
    await topUp('0.01')
    const response = await put(path, asked)
    expect({ status: response.status, body: await response.text() }).toMatchObject({ status: 200 })
    const { json } = await gateway.upstream.received()
    for (const field of ['service_tier', 'plugins', 'speed']) expect(json).not.toHaveProperty(field)
    await nothingHeld()
  })

  test('refuses what one of several providers would get', async () => {
    await topUp('1')
    const response = await put('chat/completions', { ...question, model: claude, models: [model], service_tier: 'priority' })
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ error: { code: 'model_without_price', message: expect.stringContaining('service_tier') } })
    expect(gateway.upstream.requests).toHaveLength(0)
  })

  test('needs neither a price nor money for the counting of tokens', async () => {
    const response = await put('messages/count_tokens', { model: 'mock/model-of-no-price', messages: question.messages })
    expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 200, body: { input_tokens: expect.any(Number) } })
    await nothingHeld()
    expect(await gateway.api('GET', '/api/wallet')).toMatchObject({ balanceNanoUsd: '0' })
  })

  test.each<object>([
    { service_tier: 'flex' }, { plugins: [] }, { search_parameters: { mode: 'off' } },
    { tools: [{ name: 'find', description: 'Finds.', parameters: {} }, { function: { name: 'find' } }, { type: 'function', function: { name: 'find' } }, { type: 'custom', custom: { name: 'find' } }] }
  ])('takes what costs no more: %j', async (rest) => {
    await topUp('1')
    expect((await gateway.post(key, JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 10, ...rest }))).status).toBe(200)
    await nothingHeld()
  })
})

describe('a dry run decides as the call would be decided', () => {
  beforeEach(empty)
  const uncapped = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello' }] }
  const check = async (body: object, { headers = {}, endpoint = '/v1/chat/completions', of = key }: { headers?: Record<string, string>, endpoint?: string, of?: string } = {}) => {
    const response = await fetch(`${gateway.loom.url}/v1/policy/check`, { method: 'POST', headers: { 'authorization': `Bearer ${of}`, 'content-type': 'application/json', ...headers }, body: JSON.stringify({ endpoint, body }) })
    return { status: response.status, ...await response.json() }
  }

  test('where the answer would be capped at what the funds pay, and where it would be refused', async () => {
    await topUp('0.06')
    const verdict = await check(uncapped)
    expect(verdict).toMatchObject({ status: 200, allowed: true })
    const { hold_usd: hold, offered_max_tokens: cap, max_output_tokens: most } = verdict.estimate
    expect(Number(hold)).toBeLessThanOrEqual(0.06)
    expect(most).toBe(cap)
    const called = await gateway.post(key, JSON.stringify(uncapped))
    expect([called.status, called.headers.get('x-loom-max-tokens')]).toEqual([200, String(cap)])
    await called.text()
    expect(await check({ ...uncapped, max_tokens: 16_000 })).toMatchObject({ allowed: false, decisions: expect.arrayContaining([expect.objectContaining({ rule: 'wallet', outcome: 'deny', message: expect.stringContaining('Top up') })]) })
    const cheap = await check({ ...uncapped, model, max_tokens: 100 })
    expect(cheap).toMatchObject({ allowed: true })
    expect(cheap.estimate).not.toHaveProperty('offered_max_tokens')
  })

  test('where a budget pays for less than the wallet', async () => {
    await topUp('10')
    const bounded = (await gateway.createKey({ limits: { budgets: { day: '0.06' } } })).key
    expect(await check(uncapped, { of: bounded })).toMatchObject({ allowed: true, estimate: { offered_max_tokens: expect.any(Number) } })
    expect((await gateway.post(bounded, JSON.stringify(uncapped))).headers.get('x-loom-max-tokens')).toMatch(/^\d+$/)
    expect(await check({ ...uncapped, max_tokens: 16_000 }, { of: bounded })).toMatchObject({ allowed: false })
  })

  test('where money lies in a lease: what nobody uses is there in time, what calls under way have reserved is not', async () => {
    await topUp('1')
    const dear = { model, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 16_000 }
    const each = parseUsdDecimal((await check(dear)).estimate.hold_usd)
    const leaving = new AbortController()
    const calls: Promise<unknown>[] = []
    const held = async () => BigInt(String((await gateway.api('GET', '/api/wallet')).heldNanoUsd))
    const begin = async (count: number) => {
      gateway.upstream.respondWith({ fault: 'never-answers' }, { times: count })
      for (let n = 0; n < count; n++) calls.push(fetch(`${gateway.loom.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: JSON.stringify(dear), signal: leaving.signal }).catch((error: unknown) => error))
      await gateway.upstream.received(calls.length)
    }
    try {
      // An org is busy from its fifth call in a second on; those after it draw on what is set aside then. It is waited for: with too many calls begun, the wallet has none to spare.
      await until(async () => {
        await begin(5)
        return until(async () => await held() > each * BigInt(calls.length), { timeoutMs: 2_000 }).catch(() => undefined)
      }, { what: () => 'a lease' })
      await begin(2)
      const left = parseUsdDecimal('1') - each * BigInt(calls.length)
      const priced = (amount: bigint) => ({ 'x-billing-amount': toUsdDecimal(amount) })
      expect(await check(dear, { headers: priced(left + 1n) })).toMatchObject({ allowed: false, decisions: expect.arrayContaining([expect.objectContaining({ rule: 'wallet', outcome: 'deny', remaining: toUsdDecimal(left) })]) })
      expect(await check(dear, { headers: priced(left) })).toMatchObject({ allowed: true })
      expect((await gateway.post(key, JSON.stringify(dear), priced(left))).status).toBe(200)
    } finally {
      leaving.abort()
      await Promise.all(calls)
    }
  })

  test('where a rule denies it: no provider is sent the prompt for its count', async () => {
    await topUp('0.05')
    const strict = (await gateway.createKey({ limits: { maxOutputTokens: 10 } })).key
    const file = { type: 'file', file: { filename: 'blank.pdf', file_data: `data:application/pdf;base64,${blankPdf(2)}` } }
    const ask = { model: 'gpt-4o', messages: [{ role: 'user', content: [{ type: 'text', text: 'Read' }, file] }] }
    expect(await check({ ...ask, max_tokens: 100 }, { of: strict })).toMatchObject({ allowed: false, decisions: expect.arrayContaining([expect.objectContaining({ rule: 'max_output_tokens', outcome: 'deny' })]) })
    expect(gateway.upstream.requests).toHaveLength(0)
    gateway.upstream.respondWith({ usage: { inputTokens: 6_000, outputTokens: 20 } })
    expect(await check({ ...ask, max_tokens: 10 }, { of: strict })).toMatchObject({ allowed: true })
    expect(gateway.upstream.requests.map(({ path }) => path)).toEqual(['/v1/responses/input_tokens'])
  })

  test('where its provider counts the prompt: with the beta features of the call', async () => {
    await topUp('0.05')
    const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: blankPdf(2) } }
    const ask = { model: 'claude-haiku-4-5', messages: [{ role: 'user', content: [pdf, { type: 'text', text: 'Read' }] }], max_tokens: 100 }
    gateway.upstream.respondWith({ usage: { inputTokens: 6_000, outputTokens: 20 } })
    expect(await check(ask, { endpoint: '/v1/messages', headers: { 'anthropic-beta': 'context-1m-2025-08-07' } })).toMatchObject({ allowed: true })
    const { path, headers } = await gateway.upstream.received()
    expect({ path, beta: headers['anthropic-beta'] }).toEqual({ path: '/v1/messages/count_tokens', beta: 'context-1m-2025-08-07' })
  })

  test('where a tool cannot be charged', async () => {
    await topUp('1')
    expect(await check({ model, input: 'Hi', tools: [{ type: 'web_search' }] }, { endpoint: '/v1/responses' })).toMatchObject({ status: 422, error: { code: 'model_without_price' } })
  })

  test('where it comes with a price and a reference of its own', async () => {
    await topUp('1')
    const priced = (amount: string, refId = 'invoice-of-checks') => ({ headers: { 'x-billing-amount': amount, 'x-billing-ref-id': refId } })
    expect(await check(uncapped, priced('1'))).toMatchObject({ allowed: true, estimate: { hold_usd: '1' } })
    expect(await check(uncapped, priced('1.000000001'))).toMatchObject({ allowed: false })
    expect((await gateway.post(key, JSON.stringify({ ...uncapped, max_tokens: 10 }), priced('0.25').headers)).status).toBe(200)
    expect(await check(uncapped, priced('0.25'))).toMatchObject({ status: 409, error: { code: 'ref_id_conflict' } })
    expect(await check(uncapped, priced('0.25', 'another'))).toMatchObject({ allowed: true })
    expect(await check(uncapped, priced('a lot'))).toMatchObject({ status: 400 })
    const plain = (await gateway.createKey({ scopes: ['inference'] })).key
    expect(await check(uncapped, { of: plain, ...priced('0.25') })).toMatchObject({ status: 403, error: { code: 'insufficient_scope' } })
  })
})

describe('a billing reference', () => {
  beforeAll(() => topUp('10'))

  test('is charged once, whatever the repeats', async () => {
    const headers = { 'x-billing-amount': '0.5', 'x-billing-ref-id': 'invoice-1' }
    const before = await balance()
    const first = await gateway.post(key, body, headers)
    expect(first.headers.get('x-loom-cost-usd')).toBe('0.5')
    const again = await Promise.all(Array.from({ length: 5 }, () => gateway.post(key, body, headers)))
    for (const response of again) expect(response.status).toBe(409)
    expect(await again[0]?.json()).toMatchObject({ error: { code: 'ref_id_conflict' } })
    expect(before - await balance()).toBe(500_000_000n)
  })

  test('of a call that failed may be used again', async () => {
    const headers = { 'x-billing-ref-id': 'invoice-2' }
    gateway.upstream.respondWith({ status: 400 })
    expect((await gateway.post(key, body, headers)).status).toBe(400)
    expect((await gateway.post(key, body, headers)).status).toBe(200)
  })

  test('posts funds once', async () => {
    const before = await balance()
    await topUp('2', 'payment-7')
    await topUp('2', 'payment-7')
    expect(await balance() - before).toBe(2_000_000_000n)
  })
})

describe('a markup', () => {
  beforeAll(() => topUp('10'))
  afterAll(() => gateway.api('PATCH', `/api/platform/orgs/${gateway.orgId}/wallet`, { markupBasisPoints: 0 }))

  test.each([[2_000, 3_420n], [-5_000, 1_425n]])('of %d basis points is charged once, held likewise, and on record with the cost', async (markupBasisPoints, charged) => {
    expect(await gateway.api('PATCH', `/api/platform/orgs/${gateway.orgId}/wallet`, { markupBasisPoints })).toMatchObject({ markupBasisPoints, mode: 'prepaid' })
    gateway.upstream.respondWith({ usage: { inputTokens: 7, outputTokens: 3 } }, { times: 100 })
    // 7 × 150 + 3 × 600 nano-USD, marked up. Every replica knows of a new markup within a second.
    const response = await until(async () => {
      const answer = await gateway.post(key, body)
      return answer.headers.get('x-loom-cost-usd') === toUsdDecimal(charged) && answer
    }, { what: () => 'the markup to be charged' })
    const before = await balance()
    await response.text()
    expect((await gateway.post(key, body, { 'x-billing-amount': '0.001' })).headers.get('x-loom-cost-usd')).toBe('0.001')
    expect(before - await balance()).toBe(1_000_000n)
  })
})

describe('the ledger over /v1', () => {
  const get = async (path: string, headers = {}) => {
    const response = await fetch(`${gateway.loom.url}${path}`, { headers: { authorization: `Bearer ${key}`, ...headers } })
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
  }
  const thisMonth = () => new Date().toISOString().slice(0, 7)

  test('tells the wallet, its transactions and a statement, in exact decimals', async () => {
    await topUp('1.000000001', 'exact')
    const [month, wallet] = [thisMonth(), JSON.parse((await get('/v1/wallet')).text)]
    expect(wallet).toMatchObject({ object: 'wallet', mode: 'prepaid', held_usd: '0', available_usd: wallet.balance_usd })
    expect(JSON.parse((await get('/v1/transactions?limit=1&ref_id=exact')).text)).toMatchObject({ object: 'list', data: [{ type: 'topup', amount_usd: '1.000000001', ref_id: 'exact' }], has_more: false })
    expect(JSON.parse((await get(`/v1/statements/${month}`)).text)).toMatchObject({ object: 'statement', month, final: false, closing_balance_usd: wallet.balance_usd })
    const csv = await get(`/v1/statements/${month}?format=csv`)
    expect(csv.type).toBe('text/csv; charset=utf-8')
    expect(csv.text).toContain('closing_balance,')
  })

  test('refuses a key that is bound to a project, and what is no month', async () => {
    const project = await gateway.api('POST', '/api/projects', { name: 'Bound' })
    const bound = await gateway.createKey({ scopes: ['traces'], projectId: String(project.id) })
    for (const path of ['/v1/wallet', '/v1/transactions', `/v1/statements/${thisMonth()}`]) expect((await get(path, { authorization: `Bearer ${bound.key}` })).status, path).toBe(403)
    for (const path of ['/v1/statements/2026-13', '/v1/statements/2099-01', '/v1/statements/x']) expect((await get(path)).status, path).toBe(404)
  })

  test('shows a refund, and the charge it was of', async () => {
    const id = (await gateway.post(key, body, { 'x-billing-amount': '0.5' })).headers.get('x-request-id')
    const before = await balance()
    expect(await gateway.api('POST', `/api/platform/orgs/${gateway.orgId}/refunds`, { chargeId: id, amountUsd: '0.2', refId: 'refund-1' })).toMatchObject({ amountNanoUsd: '200000000' })
    expect(await balance() - before).toBe(200_000_000n)
    const { data } = JSON.parse((await get('/v1/transactions?limit=2')).text)
    expect(data).toMatchObject([{ type: 'refund', charge_id: id, amount_usd: '0.2' }, { id, captured_usd: '0.5', refunded_usd: '0.2' }])
  })
})

async function balance(): Promise<bigint> {
  return BigInt(String((await gateway.api('GET', '/api/wallet')).balanceNanoUsd))
}
