import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Trace, traceSteps } from '../../../shared/traces'
import { WireTrace, WireTracePage } from '../../../shared/wire'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway } from '../../support/open-gateway'
import { until } from '../../support/until'

let gateway: GatewayUnderTest

beforeAll(async () => {
  gateway = await openGateway()
})
beforeEach(() => gateway.upstream.reset())
afterAll(() => gateway.remove())

const body = (change: object = {}) => JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], ...change })
const get = async (key: string, path: string) => await (await fetch(`${gateway.loom.url}/v1/traces${path}`, { headers: { authorization: `Bearer ${key}` } })).json()

/** The trace of a call, as soon as it is there: nobody waits for that of a refusal. */
const traceOf = (key: string, response: Response) => until(async () => {
  const trace = WireTrace.safeParse(await get(key, `/${response.headers.get('x-request-id')}`))
  return trace.success ? trace.data : undefined
})
/** Reads the answer to its end. */
const call = async (key: string, change: object = {}, headers: Record<string, string> = {}) => {
  const response = await gateway.post(key, body(change), headers)
  await response.text()
  return response
}

describe('steps', () => {
  test.each([false, true])('a call (stream: %s) tells when it passed each step, in order', async (stream) => {
    const { key } = await gateway.createKey()
    const trace = await traceOf(key, await call(key, { stream }))
    const at = trace.steps?.at ?? {}
    expect(Object.keys(at).toSorted()).toEqual(traceSteps.toSorted())
    const times = traceSteps.map(step => at[step] ?? NaN)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(at.capture).toBeLessThanOrEqual(trace.latency_ms + 1)
    expect(Trace.parse(await gateway.api('GET', `/api/traces/${trace.id}`)).steps).toEqual(trace.steps)
  })

  test('every rule over the call stands there with what it decided, and what it left', async () => {
    const { key } = await gateway.createKey({ allowedModels: ['gpt-4o*'], limits: { maxOutputTokens: 50, requestsPerMinute: 5, budgets: { day: '1' } } })
    expect((await traceOf(key, await call(key))).steps?.decisions).toEqual([
      { rule: 'scopes', scope: 'key', outcome: 'allow' },
      { rule: 'models', scope: 'key', outcome: 'allow' },
      { rule: 'max_output_tokens', scope: 'key', outcome: 'allow', limit: 50 },
      { rule: 'requests_per_minute', scope: 'key', outcome: 'allow', limit: 5, remaining: 4 },
      { rule: 'budget_day', scope: 'key', outcome: 'allow', limit: '1' }
    ])
  })

  test('a trace tells the rules of its time, whatever they are now', async () => {
    const { id, key } = await gateway.createKey({ limits: { requestsPerMinute: 5 } })
    const before = await traceOf(key, await call(key))
    await gateway.api('PATCH', `/api/keys/${id}`, { limits: { requestsPerMinute: 7 } })
    const limitOf = ({ steps }: WireTrace) => steps?.decisions.map(({ rule, limit, remaining }) => [rule, limit, remaining])
    const after = await until(async () => {
      const trace = await traceOf(key, await call(key))
      return limitOf(trace)?.[1]?.[1] === 7 ? trace : undefined
    })
    expect(limitOf(after)).toEqual([['scopes', undefined, undefined], ['requests_per_minute', 7, expect.any(Number)]])
    expect(limitOf(WireTrace.parse(await get(key, `/${before.id}`)))).toEqual([['scopes', undefined, undefined], ['requests_per_minute', 5, 4]])
  })

  test('a refused call ends with the rule that refused it, in the words its caller got', async () => {
    const { key } = await gateway.createKey({ limits: { maxOutputTokens: 50, requestsPerMinute: 1 } })
    await call(key)
    const refused = await gateway.post(key, body())
    const { error } = await refused.json()
    const { steps } = await traceOf(key, refused)
    expect(steps?.decisions).toEqual([
      { rule: 'scopes', scope: 'key', outcome: 'allow' },
      { rule: 'max_output_tokens', scope: 'key', outcome: 'allow', limit: 50 },
      { rule: 'requests_per_minute', scope: 'key', outcome: 'deny', limit: 1, remaining: 0, message: error.message }
    ])
    expect(Object.keys(steps?.at ?? {}).toSorted()).toEqual(['auth', 'capture', 'read'])
  })

  test('a budget and a model that refuse, before and after the rest was asked', async () => {
    const poor = await gateway.createKey({ limits: { budgets: { total: '0.000000001' } } })
    expect((await traceOf(poor.key, await call(poor.key))).steps?.decisions).toMatchObject([{ rule: 'scopes', outcome: 'allow' }, { rule: 'budget_total', scope: 'key', outcome: 'deny', limit: '0.000000001', remaining: '0.000000001' }])
    const [day, total] = ['0.000000002', '0.000000001']
    const strict = await gateway.createKey({ limits: { budgets: { day, month: '5', total } } })
    const refused = await gateway.post(strict.key, body())
    const { error } = await refused.json()
    const decisions = (await traceOf(strict.key, refused)).steps?.decisions
    expect(decisions).toEqual([
      { rule: 'scopes', scope: 'key', outcome: 'allow' },
      { rule: 'budget_day', scope: 'key', outcome: 'deny', limit: day, remaining: day, message: expect.stringContaining('daily budget of this key') },
      { rule: 'budget_month', scope: 'key', outcome: 'allow', limit: '5', remaining: '5' },
      { rule: 'budget_total', scope: 'key', outcome: 'deny', limit: total, remaining: total, message: error.message }
    ])
    const narrow = await gateway.createKey({ limits: { deniedModels: ['gpt-4o*'] } })
    expect((await traceOf(narrow.key, await call(narrow.key))).steps?.decisions.at(-1)).toMatchObject({ rule: 'models', scope: 'key', outcome: 'deny' })
  })
})

describe('tags', () => {
  test('of the header and of metadata stand in the trace, and find it', async () => {
    const { key } = await gateway.createKey()
    const response = await call(key, { metadata: { env: 'dev', team: 'ads', retries: 2, nested: { no: 1 } } }, { 'x-loom-tags': 'team=search, note=a%2Cb %E2%9C%93' })
    const tags = { env: 'dev', team: 'search', retries: '2', note: 'a,b ✓' }
    expect((await traceOf(key, response)).tags).toEqual(tags)
    await call(key)
    const { data } = WireTracePage.parse(await get(key, `?tag=${encodeURIComponent('team=search')}`))
    expect(data).toMatchObject([{ id: response.headers.get('x-request-id'), tags }])
    expect(WireTracePage.parse(await get(key, '?tag=team%3Dads')).data).toEqual([])
    const exported = await fetch(`${gateway.loom.url}/api/traces/export?format=jsonl&tag=team%3Dsearch`, { headers: { cookie: gateway.admin.cookie } })
    expect(JSON.parse(await exported.text())).toMatchObject({ tags })
    const csv = await fetch(`${gateway.loom.url}/api/traces/export?tag=team%3Dsearch`, { headers: { cookie: gateway.admin.cookie } })
    expect(await csv.text()).toContain('""team"":""search""')
  })

  test('a caller\'s own trace finds it, unless it is tagged so itself', async () => {
    const { key } = await gateway.createKey()
    const traceId = randomBytes(16).toString('hex')
    const traceparent = `00-${traceId}-00f067aa0ba902b7-01`
    const response = await call(key, {}, { traceparent, 'x-loom-tags': 'team=search' })
    expect((await traceOf(key, response)).tags).toEqual({ trace_id: traceId, team: 'search' })
    const found = async (id: string) => WireTracePage.parse(await get(key, `?tag=trace_id%3D${id}`)).data.map(trace => trace.id)
    expect(await found(traceId)).toEqual([response.headers.get('x-request-id')])
    expect((await traceOf(key, await call(key, {}, { traceparent, 'x-loom-tags': 'trace_id=mine' }))).tags).toEqual({ trace_id: 'mine' })
    expect((await traceOf(key, await call(key, {}, { traceparent: 'nothing' }))).tags).toEqual({})
    expect(await found(traceId)).toHaveLength(1)
  })

  test('OpenAI gets metadata with what it is to store, and neither tags nor metadata otherwise', async () => {
    const { key } = await gateway.createKey()
    await call(key, { metadata: { team: 'search' } }, { 'x-loom-tags': 'env=prod' })
    await call(key, { metadata: { team: 'search' }, store: true })
    const [plain, stored] = gateway.upstream.requests
    expect(plain?.json).not.toHaveProperty('metadata')
    expect(plain?.headers).not.toHaveProperty('x-loom-tags')
    expect(stored?.json).toMatchObject({ metadata: { team: 'search' }, store: true })
  })

  test.each(['team', '=search', 'team=%E0%A4%A', `team=${'x'.repeat(513)}`, Array.from({ length: 17 }, (_, n) => `t${n}=1`).join()])('a header %j is refused by name', async (header) => {
    const { key } = await gateway.createKey()
    const response = await gateway.post(key, body(), { 'x-loom-tags': header })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param: 'x-loom-tags' } })
    expect(gateway.upstream.requests).toHaveLength(0)
  })

  test.each<[string, unknown]>([
    ['text that the database cannot hold', { 'a\0': '\ud800b' }], ['a list', ['x']], ['what is too long', { ['n'.repeat(65)]: 'x', v: 'x'.repeat(513) }], ['null', null], ['a proto', JSON.parse('{"__proto__":"x"}')]
  ])('metadata of %s harms no call', async (_, metadata) => {
    const { key } = await gateway.createKey()
    const response = await call(key, { metadata })
    expect(response.status).toBe(200)
    await traceOf(key, response)
  })

  test('an org that keeps no bodies keeps no metadata either', async () => {
    const { key } = await gateway.createKey()
    await gateway.api('PATCH', '/api/orgs/current', { traceBodies: false })
    try {
      const trace = await until(async () => {
        const found = await traceOf(key, await call(key, { metadata: { team: 'search' } }, { 'x-loom-tags': 'env=prod' }))
        return 'team' in found.tags ? undefined : found
      })
      expect(trace.tags).toEqual({ env: 'prod' })
    } finally {
      await gateway.api('PATCH', '/api/orgs/current', { traceBodies: true })
    }
  })
})

test('a call that is refused before a provider is asked keeps a small body, and none of a large one', async () => {
  const { key } = await gateway.createKey({ allowedModels: ['something-else'] })
  const large = 'x'.repeat(64 * 1024)
  const bodyOf = async (content: string) => {
    const { id, status_code: status } = await traceOf(key, await call(key, { messages: [{ role: 'user', content }] }))
    expect(status).toBe(403)
    return WireTrace.parse(await get(key, `/${id}?include=bodies`)).request_body
  }
  expect(await bodyOf('Hello')).toContain('Hello')
  expect(await bodyOf(large)).toBeNull()
  const { key: allowed } = await gateway.createKey()
  const { id } = await traceOf(allowed, await call(allowed, { messages: [{ role: 'user', content: large }] }))
  expect(WireTrace.parse(await get(allowed, `/${id}?include=bodies`)).request_body).toContain(large)
})
