import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabaseKind } from '../../support/database'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway } from '../../support/open-gateway'
import { until } from '../../support/until'

const token = 'a token for the scraper'

let gateway: GatewayUnderTest

beforeAll(async () => {
  gateway = await openGateway({ METRICS_TOKEN: token })
})
afterAll(() => gateway.remove())

const scrape = async (authorization?: string) => {
  const response = await fetch(`${gateway.loom.url}/metrics`, { headers: authorization === undefined ? {} : { authorization } })
  return { status: response.status, text: await response.text() }
}

const totalOf = (text: string, name: string) => [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? ([\\d.e+-]+)$`, 'gm'))].reduce((sum, [, value]) => sum + Number(value), 0)

test('metrics are for who has their token', async () => {
  for (const authorization of [undefined, '', 'Bearer', 'Bearer wrong', token, `Basic ${token}`, `Bearer ${token}x`]) {
    const { status, text } = await scrape(authorization)
    expect(status, authorization).toBe(401)
    expect(text, authorization).not.toContain('gateway_')
  }
  expect((await scrape(`Bearer ${token}`)).status).toBe(200)
})

test('metrics count calls, their time, tokens, cost and batches', async () => {
  const { key } = await gateway.createKey()
  gateway.upstream.respondWith({ usage: { inputTokens: 1_000, outputTokens: 100 } })
  const call = await gateway.post(key, JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] }))
  expect(call.status).toBe(200)
  const { text } = await scrape(`Bearer ${token}`)
  const total = (name: string) => totalOf(text, name)
  expect(total('gateway_requests_total')).toBe(1)
  expect(total('gateway_request_duration_seconds_count')).toBe(1)
  expect(total('gateway_overhead_seconds_count')).toBe(1)
  expect(total('gateway_time_to_first_token_seconds_count')).toBe(1)
  expect(total('gateway_tokens_total')).toBe(1_100)
  expect(total('gateway_cost_usd_total')).toBeCloseTo(0.00021, 9)
  expect(total('gateway_batch_size_count')).toBeGreaterThan(0)
})

test('metrics count no tokens of an answer that the cache gave for nothing', async () => {
  const { key } = await gateway.createKey()
  const tokens = async () => totalOf((await scrape(`Bearer ${token}`)).text, 'gateway_tokens_total')
  const before = await tokens()
  gateway.upstream.respondWith({ usage: { inputTokens: 1_000, outputTokens: 100 } })
  const ask = () => gateway.post(key, JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello again' }] }), { 'x-loom-cache': 'on' })
  expect((await ask()).headers.get('x-loom-cache')).toBe('miss')
  expect((await ask()).headers.get('x-loom-cache')).toBe('hit')
  expect(await tokens()).toBe(before + 1_100)
})

test('metrics count look-ups of the cache, repeats, attempts at providers, and requests for anything else', async () => {
  const { key } = await gateway.createKey()
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Counted' }] })
  const count = async () => {
    const { text } = await scrape(`Bearer ${token}`)
    return (name: string, labels = '') => Number(new RegExp(`^${name}(?:\\{[^}]*${labels}[^}]*\\})? ([\\d.e+-]+)$`, 'm').exec(text)?.[1] ?? 0)
  }
  const before = await count()
  const sendings: Record<string, string>[] = [{ 'x-loom-cache': 'on' }, { 'x-loom-cache': 'on' }, { 'idempotency-key': 'counted' }, { 'idempotency-key': 'counted' }]
  for (const headers of sendings) expect((await gateway.post(key, body, headers)).status).toBe(200)
  gateway.upstream.respondWith({ status: 503 })
  expect((await gateway.post(key, body)).headers.get('x-loom-attempts')).toBe('2')
  await fetch(`${gateway.loom.url}/v1/models`, { method: 'HEAD', headers: { authorization: `Bearer ${key}` } })
  await fetch(`${gateway.loom.url}/health`)
  const after = await until(async () => {
    const now = await count()
    return now('loom_http_requests_total', 'method="GET",status="200"') > before('loom_http_requests_total', 'method="GET",status="200"') && now
  }, { what: () => 'the request to be counted' })
  const added = (name: string, labels = '') => after(name, labels) - before(name, labels)
  expect(added('loom_http_requests_total', 'method="GET",status="200"')).toBe(1)
  expect(added('gateway_cache_lookups_total', 'outcome="miss"')).toBe(1)
  expect(added('gateway_cache_lookups_total', 'outcome="hit"')).toBe(1)
  expect(added('gateway_replays_total')).toBe(1)
  expect(added('gateway_upstream_attempts_total', 'outcome="ok"')).toBe(3)
  expect(added('gateway_upstream_attempts_total', 'outcome="error"')).toBe(1)
})

test('metrics tell what the event loop and the connections to providers do', async () => {
  const { text } = await scrape(`Bearer ${token}`)
  for (const figure of ['p50', 'p99', 'max']) expect(text).toMatch(new RegExp(`^nodejs_eventloop_lag_${figure}_seconds [\\d.e+-]+$`, 'm'))
  // That of the calls above is kept.
  expect(totalOf(text, 'gateway_upstream_connections')).toBeGreaterThan(0)
})

test('metrics tell what each pool of the database has to do', async () => {
  const { text } = await scrape(`Bearer ${token}`)
  const lines = [...text.matchAll(/^loom_database_statements\{pool="(\w+)",state="(\w+)"\} \d+$/gm)].map(([, pool, state]) => `${pool} ${state}`)
  const pools = testDatabaseKind === 'postgres' ? ['ledger', 'pages'] : ['embedded']
  expect(lines).toEqual(pools.flatMap(pool => [`${pool} running`, `${pool} waiting`]))
})

test('metrics tell what calls cost beyond what their wallet had', async () => {
  const wallet = (change: object) => gateway.api('PATCH', `/api/platform/orgs/${gateway.orgId}/wallet`, change)
  await gateway.api('POST', `/api/platform/orgs/${gateway.orgId}/funds`, { amountUsd: '0.01', refId: 'funds' })
  await wallet({ mode: 'prepaid' })
  // One that nobody has asked of before knows its org as it is now.
  const { key } = await gateway.createKey()
  gateway.upstream.respondWith({ usage: { inputTokens: 10, outputTokens: 1_000_000 } })
  expect((await gateway.post(key, JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 10 }))).status).toBe(200)
  const total = totalOf((await scrape(`Bearer ${token}`)).text, 'gateway_charge_shortfall_usd_total')
  // $0.60 for a million tokens.
  expect(total).toBeGreaterThan(0.58)
  expect(total).toBeLessThan(0.6)
  await wallet({ mode: 'unlimited' })
})
