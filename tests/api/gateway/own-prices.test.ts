import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { toUsdDecimal } from '../../../shared/money'
import { TraceDetail } from '../../../shared/traces'
import { checkLedgerOf } from '../../support/check-ledger'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway, upstreamSecret } from '../../support/open-gateway'
import { until } from '../../support/until'

/** Over the platform's connection, and over the org's own. */
const shared = `shared/${model}`
const own = `mock/${model}`
/** 10 × 150 + 20 × 600 nano-USD: what the mock tells of each answer. */
const COST = 13_500n

let gateway: GatewayUnderTest
let key: string

beforeAll(async () => {
  gateway = await openGateway({ UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '1500', UPSTREAM_IDLE_TIMEOUT_MS: '1500' })
  await gateway.api('POST', '/api/connections', { kind: 'openai', name: 'shared', baseUrl: gateway.upstream.baseUrl, secret: upstreamSecret, platform: true })
})
beforeEach(() => gateway.upstream.reset())
afterAll(async () => {
  await gateway.loom.stop()
  expect(await checkLedgerOf(gateway.loom)).toContain('The ledger is exact')
  await gateway.remove()
})

const ask = (amount: string, named: string, rest: object = {}) => gateway.post(key, JSON.stringify({ model: named, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 100, ...rest }), { 'x-billing-amount': amount })
const costOf = async (amount: string, named: string) => (await ask(amount, named)).headers.get('x-loom-cost-usd')
const wallet = (change: object) => gateway.api('PATCH', `/api/platform/orgs/${gateway.orgId}/wallet`, change)
const chargeOf = async (answer: Response) => TraceDetail.parse(await gateway.api('GET', `/api/traces/${answer.headers.get('x-request-id')}`)).charge
/** A key that nobody has asked of before knows its org as it is now. */
const freshKey = async () => {
  key = (await gateway.createKey()).key
}

describe('a price that a call of a prepaid organisation brings', () => {
  beforeAll(async () => {
    await wallet({ mode: 'prepaid' })
    await freshKey()
  })
  afterAll(() => wallet({ mode: 'unlimited', markupBasisPoints: 0 }))

  test('opens no connection that all share to an empty wallet', async () => {
    expect((await ask('0', shared)).status).toBe(402)
  })

  describe('that has funds', () => {
    beforeAll(() => gateway.api('POST', `/api/platform/orgs/${gateway.orgId}/funds`, { amountUsd: '10', refId: 'funds' }))

    test('is no price for a model, a tool or a tier that has none there', async () => {
      for (const [named, rest] of [['shared/model-of-no-price', {}], [shared, { web_search_options: {} }], [shared, { service_tier: 'priority' }]] as const) {
        const refused = await ask('0', named, rest)
        expect({ status: refused.status, body: await refused.json() }).toMatchObject({ status: 422, body: { error: { code: 'model_without_price' } } })
      }
      expect(gateway.upstream.requests).toHaveLength(0)
    })

    test('is charged there where it is more than the call costs the platform, and else that is', async () => {
      expect(await costOf('0', shared)).toBe(toUsdDecimal(COST))
      expect(await costOf('0.000013499', shared)).toBe(toUsdDecimal(COST))
      expect(await costOf('0.25', shared)).toBe('0.25')
      const less = await ask('0.000001', shared)
      expect(await chargeOf(less)).toMatchObject({ capturedNanoUsd: String(COST), price: { markupBasisPoints: 0, askedNanoUsd: '1000', rawCostNanoUsd: String(COST), chargedNanoUsd: String(COST) } })
    })

    test('is charged whatever it is over a connection of its own', async () => {
      expect(await costOf('0', own)).toBe('0')
      expect(await costOf('0.000001', own)).toBe('0.000001')
      expect((await ask('0', 'mock/model-of-no-price')).status).toBe(200)
    })

    test('leaves the markup of the platform in place', async () => {
      await wallet({ markupBasisPoints: 10_000 })
      await freshKey()
      expect(await costOf('0', shared)).toBe(toUsdDecimal(2n * COST))
    })

    test('is no part of what a call is charged that got no answer in time; its prompt is, where all share the connection', async () => {
      gateway.upstream.respondWith({ fault: 'never-answers' }, { times: 2 })
      const late = await ask('5', shared)
      expect(late.status).toBe(504)
      const charge = await chargeOf(late)
      expect(charge).toMatchObject({ status: 'captured', usageSource: 'partial', price: { source: expect.stringContaining('catalog:'), askedNanoUsd: '5000000000', chargedNanoUsd: charge?.capturedNanoUsd } })
      expect(Number(charge?.capturedNanoUsd)).toBeGreaterThan(0)
      expect(Number(charge?.capturedNanoUsd)).toBeLessThan(Number(2n * COST))
      expect(await chargeOf(await ask('5', own))).toBeNull()
    })
  })
})

test('a price that a call of an unlimited organisation brings is its own affair, also over what all share', async () => {
  await freshKey()
  expect(await costOf('0', shared)).toBe('0')
})

test('a budget of the platform counts at least what calls cost, whatever price they bring', async () => {
  await gateway.api('PUT', '/api/platform/policy', { policy: { budgets: { total: toUsdDecimal(100n * COST) } } })
  await freshKey()
  for (const named of [own, shared]) expect(await costOf('0', named)).toBe(toUsdDecimal(COST))
  expect((await ask('0', 'mock/model-of-no-price')).status).toBe(422)
  // Three thousand tokens may cost more than all of it.
  expect((await ask('0', shared, { max_tokens: 3_000 })).status).toBe(402)
  await gateway.api('PUT', '/api/platform/policy', { policy: {} })
  await until(async () => (await ask('0', own)).headers.get('x-loom-cost-usd') === '0', { what: () => 'the budget to be gone' })
})
