import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../../support/free-port'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway, upstreamSecret } from '../../support/open-gateway'
import type { OtlpReceiver, ReceivedSpan } from '../../support/otlp-receiver'
import { startOtlpReceiver } from '../../support/otlp-receiver'
import { until } from '../../support/until'

let collector: OtlpReceiver
let gateway: GatewayUnderTest
let key: string

beforeAll(async () => {
  collector = await startOtlpReceiver()
  gateway = await openGateway({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, UPSTREAM_RETRIES: '1' })
  key = (await gateway.createKey()).key
  await gateway.api('POST', '/api/connections', { kind: 'anthropic', name: 'claude', baseUrl: gateway.upstream.url, secret: 'sk-claude' })
})
beforeEach(() => gateway.upstream.reset())
afterAll(async () => {
  await gateway.remove()
  await collector.stop()
})

const PARENT = '00f067aa0ba902b7'
const question = (more = {}) => JSON.stringify({ model, messages: [{ role: 'user', content: 'a prompt nobody may read' }], ...more })
const caller = (traceId: string, flags = '01') => ({ traceparent: `00-${traceId}-${PARENT}-${flags}`, tracestate: 'vendor=opaque' })

/** The spans of a trace, the call's own first, once it has arrived. */
async function spansOf(traceId: string): Promise<[ReceivedSpan, ...ReceivedSpan[]]> {
  const root = await until(() => collector.spans().find(span => span.traceId === traceId && span.parentSpanId === PARENT), { timeoutMs: 30_000, what: () => 'the span of the call' })
  const children = collector.spans().filter(span => span.parentSpanId === root.spanId).toSorted((a, b) => Number(a.startTimeUnixNano - b.startTimeUnixNano))
  return [root, ...children]
}

test('a call is a span below the caller\'s, with its steps and attempts below it, and names model, tokens and cost', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const response = await gateway.post(key, question(), caller(traceId))
  expect(response.status).toBe(200)
  const [root, ...steps] = await spansOf(traceId)
  expect(root).toMatchObject({
    name: `chat ${model}`,
    kind: 2,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': model,
      'gen_ai.response.model': model,
      'gen_ai.response.id': 'chatcmpl-mock',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 10,
      'gen_ai.usage.output_tokens': 20,
      'http.route': '/v1/chat/completions',
      'http.response.status_code': 200,
      'loom.request.id': response.headers.get('x-request-id'),
      'loom.cost.usd': Number(response.headers.get('x-loom-cost-usd'))
    }
  })
  expect(steps.map(({ name }) => name)).toEqual(['authenticate', 'policy', 'hold', `chat ${model}`, 'capture'])
  for (const step of steps) {
    expect(step.startTimeUnixNano).toBeGreaterThanOrEqual(root.startTimeUnixNano)
    expect(step.endTimeUnixNano).toBeLessThanOrEqual(root.endTimeUnixNano)
  }
  const attempt = steps.find(({ kind }) => kind === 3)
  const [received] = gateway.upstream.requests
  expect(received?.headers).toMatchObject({ traceparent: `00-${traceId}-${attempt?.spanId}-01`, tracestate: 'vendor=opaque' })
})

test.each([false, true])('a span names what the conventions do: who answered, why it ended, what was asked for, and each kind of token (streamed: %s)', async (stream) => {
  const traceId = `4bf92f3577b34da6a3ce929d0e0e475${Number(stream)}`
  gateway.upstream.respondWith({ finishReason: 'length', usage: { inputTokens: 100, outputTokens: 50, cachedInputTokens: 40, cacheWriteTokens: 30, reasoningTokens: 20 } })
  const body = JSON.stringify({ model: 'claude/claude-sonnet-4-5', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 50, stream })
  const answer = await fetch(`${gateway.loom.url}/v1/messages`, { method: 'POST', headers: { 'x-api-key': key, ...caller(traceId) }, body })
  expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('max_tokens')])
  const [root, ...steps] = await spansOf(traceId)
  expect(root.attributes).toMatchObject({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'anthropic',
    'gen_ai.request.model': 'claude/claude-sonnet-4-5',
    'gen_ai.request.max_tokens': 50,
    'gen_ai.response.id': 'msg_mock',
    'gen_ai.response.model': 'claude-sonnet-4-5',
    'gen_ai.response.finish_reasons': ['max_tokens'],
    'gen_ai.usage.input_tokens': 100,
    'gen_ai.usage.output_tokens': 50,
    'gen_ai.usage.cache_read.input_tokens': 40,
    'gen_ai.usage.cache_write.input_tokens': 30,
    'gen_ai.usage.reasoning.output_tokens': 20
  })
  expect(steps.find(({ kind }) => kind === 3)?.attributes).toMatchObject({ 'gen_ai.provider.name': 'anthropic' })
})

test('an answer from the cache is said to be one, and has no model\'s tokens', async () => {
  const [first, again] = ['4bf92f3577b34da6a3ce929d0e0e4747', '4bf92f3577b34da6a3ce929d0e0e4748'] as const
  for (const traceId of [first, again]) expect((await gateway.post(key, question(), { ...caller(traceId), 'x-loom-cache': 'on' })).status).toBe(200)
  const [miss] = await spansOf(first)
  expect(miss.attributes).toMatchObject({ 'loom.cache': 'miss', 'gen_ai.usage.input_tokens': 10 })
  const [hit] = await spansOf(again)
  expect(hit.attributes).toMatchObject({ 'loom.cache': 'hit', 'loom.cost.usd': 0 })
  expect(hit.attributes).not.toHaveProperty('gen_ai.usage.input_tokens')
})

test('each attempt is a span of its own, with the error it ended in', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4737'
  gateway.upstream.respondWith({ status: 500 })
  expect(await (await gateway.post(key, question({ stream: true }), caller(traceId))).text()).toContain('[DONE]')
  const [root, ...steps] = await spansOf(traceId)
  expect(root.attributes).toMatchObject({ 'gen_ai.request.stream': true, 'gen_ai.response.time_to_first_chunk': expect.any(Number), 'loom.attempts': 2 })
  expect(steps.map(({ name }) => name)).toEqual(['authenticate', 'policy', 'hold', `chat ${model}`, `chat ${model}`, 'relay', 'capture'])
  const [failed, passed] = steps.filter(({ kind }) => kind === 3)
  expect(failed).toMatchObject({ attributes: { 'error.type': 'upstream_error', 'http.response.status_code': 500 }, status: { code: 2 } })
  expect(passed?.attributes).not.toHaveProperty('error.type')
  expect(gateway.upstream.requests.map(({ headers }) => String(headers.traceparent).split('-')[2])).toEqual([failed?.spanId, passed?.spanId])
})

test('a stream that breaks off has the status its caller saw, and the error', async () => {
  const [begun, before] = ['4bf92f3577b34da6a3ce929d0e0e474a', '4bf92f3577b34da6a3ce929d0e0e474b'] as const
  gateway.upstream.respondWith({ chunks: 4, fault: 'half' })
  const response = await gateway.post(key, question({ stream: true }), caller(begun))
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('upstream_error')])
  const [broken] = await spansOf(begun)
  expect(broken).toMatchObject({ attributes: { 'http.response.status_code': 200, 'error.type': 'upstream_error' }, status: { code: 2 } })
  gateway.upstream.respondWith({ fault: 'error-first' }, { times: 2 })
  const refused = await gateway.post(key, question({ stream: true }), caller(before))
  expect(refused.status).toBeGreaterThanOrEqual(400)
  const [none] = await spansOf(before)
  expect(none.attributes).toMatchObject({ 'http.response.status_code': refused.status })
})

test('a refusal says why', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4738'
  expect((await gateway.post(key, JSON.stringify({ model: 'nope', messages: [{ role: 'user', content: 'Hi' }] }), caller(traceId))).status).toBe(404)
  const [root] = await spansOf(traceId)
  expect(root.attributes).toMatchObject({ 'error.type': 'model_not_found', 'http.response.status_code': 404 })
  expect(root.status.code ?? 0).toBe(0)
})

test('a caller who does not want its trace recorded is obeyed, and a malformed parent is no parent', async () => {
  const unsampled = '4bf92f3577b34da6a3ce929d0e0e4739'
  expect((await gateway.post(key, question(), caller(unsampled, '00'))).status).toBe(200)
  expect(gateway.upstream.requests[0]?.headers.traceparent).toMatch(new RegExp(`^00-${unsampled}-[0-9a-f]{16}-00$`))
  for (const traceparent of ['', 'nonsense', `00-${'0'.repeat(32)}-${PARENT}-01`, `00-${unsampled}-${'x'.repeat(16)}-01`]) {
    expect((await gateway.post(key, question(), { traceparent })).status).toBe(200)
  }
  // Sent later than all of the above, so that those would be here by now.
  const last = '4bf92f3577b34da6a3ce929d0e0e473a'
  expect((await gateway.post(key, question(), caller(last))).status).toBe(200)
  await spansOf(last)
  expect(collector.spans().filter(({ traceId }) => traceId === unsampled)).toEqual([])
  expect(collector.spans().filter(({ kind, parentSpanId }) => kind === 2 && !parentSpanId)).toHaveLength(4)
})

test('no body and no secret is in a span', () => {
  expect(collector.spans().length).toBeGreaterThan(0)
  for (const secret of ['a prompt nobody may read', 'w0 ', key, upstreamSecret]) expect(collector.text()).not.toContain(secret)
})

describe('without a collector', () => {
  let plain: GatewayUnderTest
  let plainKey: string
  beforeAll(async () => {
    plain = await openGateway()
    plainKey = (await plain.createKey()).key
    for (const [kind, name] of [['anthropic', 'claude'], ['google', 'gemini']]) await plain.api('POST', '/api/connections', { kind, name, baseUrl: plain.upstream.url, secret: 'sk-x' })
  })
  beforeEach(() => plain.upstream.reset())
  afterAll(() => plain.remove())

  const traceId = '4bf92f3577b34da6a3ce929d0e0e473b'

  test.each([['whole', {}], ['streamed', { stream: true }]])('the caller\'s place in its trace is passed on as it came, to each attempt (%s), and is in the log', async (_how, more) => {
    plain.upstream.respondWith({ status: 500 })
    const response = await plain.post(plainKey, question(more), { traceparent: `00-${traceId}-${PARENT}-00`, tracestate: 'vendor=opaque,other=1' })
    expect(response.status).toBe(200)
    await response.text()
    expect(plain.upstream.requests.map(({ headers: { traceparent, tracestate } }) => [traceparent, tracestate])).toEqual(Array.from({ length: 2 }, () => [`00-${traceId}-${PARENT}-00`, 'vendor=opaque,other=1']))
    await until(() => plain.loom.logs().includes(`"requestId":"${response.headers.get('x-request-id')}","traceId":"${traceId}"`), { what: () => 'the line of the call' })
  })

  test('a call without one, or with one that is malformed, passes none on', async () => {
    for (const traceparent of [undefined, '', 'nonsense', `00-${'0'.repeat(32)}-${PARENT}-01`, `00-${traceId}-${PARENT}-01-more`]) {
      plain.upstream.reset()
      expect((await plain.post(plainKey, question(), { ...(traceparent !== undefined && { traceparent }), tracestate: 'vendor=opaque' })).status).toBe(200)
      const { headers } = await plain.upstream.received()
      expect(headers).not.toHaveProperty('traceparent')
      expect(headers).not.toHaveProperty('tracestate')
    }
  })

  test.each([
    ['/v1/messages', { model: 'claude/claude-sonnet-4-5', max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] }],
    ['/v1/chat/completions', { model: 'gemini/gemini-2.5-flash', messages: [{ role: 'user', content: 'Hi' }] }],
    ['/v1/embeddings', { model: 'text-embedding-3-small', input: 'Hi' }]
  ])('other kinds and endpoints pass it on, too: %s', async (path, body) => {
    const call = () => fetch(`${plain.loom.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${plainKey}`, ...caller(traceId) }, body: JSON.stringify(body) })
    await until(async () => (await call()).ok, { what: () => 'the connection to be known' })
    expect((await plain.upstream.received()).headers).toMatchObject({ traceparent: `00-${traceId}-${PARENT}-01`, tracestate: 'vendor=opaque' })
  })
})

test('a collector that is not there harms no call and no stop', async () => {
  const lonely = await openGateway({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` })
  const { key: lonelyKey } = await lonely.createKey()
  for (let calls = 0; calls < 20; calls++) expect((await lonely.post(lonelyKey, question())).status).toBe(200)
  expect(await lonely.loom.stop()).toBe(0)
  expect(lonely.loom.logs()).not.toMatch(/uncaughtException|unhandledRejection/)
  await lonely.remove()
})
