import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway, upstreamSecret } from '../../support/open-gateway'
import { until } from '../../support/until'

const Line = z.looseObject({ level: z.string(), time: z.iso.datetime(), msg: z.string() })

let gateway: GatewayUnderTest
let key: string
let keyId: string
beforeAll(async () => {
  gateway = await openGateway({ UPSTREAM_RETRIES: '0', LOG_LEVEL: 'debug' });
  ({ key, id: keyId } = await gateway.createKey())
})
afterAll(() => gateway.remove())

/** What was logged so far. The last line may be half there; lines that are no JSON are words for whoever starts it by hand. */
const lines = () => gateway.loom.logs().split('\n').slice(0, -1).filter(line => line.startsWith('{')).map(line => Line.parse(JSON.parse(line)))
const linesOf = (requestId: string | null) => until(() => {
  const found = lines().filter(line => line.requestId === requestId)
  return found.length > 0 && found
}, { what: () => `a line of ${requestId}` })

const prompt = 'a prompt that nobody may read'
const answer = 'an answer that nobody may read'
const question = (more = {}) => JSON.stringify({ model, messages: [{ role: 'user', content: prompt }], ...more })

test('a call is one line of JSON with its trace\'s id, who, what, how long and how much', async () => {
  for (const stream of [false, true]) {
    gateway.upstream.respondWith({ text: answer, usage: { inputTokens: 100, outputTokens: 50 } })
    const response = await gateway.post(key, question({ stream }))
    await response.text()
    expect(await linesOf(response.headers.get('x-request-id'))).toEqual([{
      level: 'info', time: expect.any(String), msg: 'call', requestId: response.headers.get('x-request-id'), endpoint: 'chat.completions', status: 200,
      orgId: gateway.orgId, keyId, provider: 'openai', model, stream, attempts: 1,
      latencyMs: expect.any(Number), ttfbMs: expect.any(Number), overheadMs: expect.any(Number), inputTokens: 100, outputTokens: 50, costNanoUsd: '45000'
    }])
  }
})

test('a refusal and a failure are one line each, with their code', async () => {
  gateway.upstream.respondWith({ status: 500, errorBody: JSON.stringify({ error: { message: `${prompt} ${upstreamSecret}` } }) })
  const failed = await gateway.post(key, question())
  expect(await linesOf(failed.headers.get('x-request-id'))).toEqual([expect.objectContaining({ msg: 'call', status: 500, error: 'upstream_error' })])
  const unknown = await gateway.post(key, question({ model: 'nope' }))
  expect(await linesOf(unknown.headers.get('x-request-id'))).toEqual([expect.objectContaining({ msg: 'call', status: 404, error: 'model_not_found' })])
  const stranger = await gateway.post(`${key}x`, question())
  expect(await linesOf(stranger.headers.get('x-request-id'))).toEqual([expect.objectContaining({ msg: 'call', status: 401, error: 'invalid_api_key' })])
})

test('a page and a change are a line each: method, path and status, without a query', async () => {
  const before = lines().length
  await gateway.api('GET', '/api/traces?search=a-query-that-nobody-may-read')
  const line = await until(() => lines().slice(before).find(({ path }) => path === '/api/traces'), { what: () => 'the line of the page' })
  expect(line).toEqual({ level: 'info', time: expect.any(String), msg: 'request', method: 'GET', path: '/api/traces', status: 200, latencyMs: expect.any(Number) })
})

test('a look-up of /v1 is a line that has the id its caller got', async () => {
  const answer = await fetch(`${gateway.loom.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })
  expect(await linesOf(answer.headers.get('x-request-id'))).toEqual([expect.objectContaining({ msg: 'request', method: 'GET', path: '/v1/models', status: 200 })])
})

test('no line holds a body, a key, a credential, a cookie or a password, whatever went wrong', async () => {
  await gateway.post(key, `{"model": "${prompt}", `)
  await gateway.post(key, question(), { 'x-billing-amount': prompt, 'authorization': `Bearer ${key}` })
  await fetch(`${gateway.loom.url}/api/auth/sign-in/email`, { method: 'POST', headers: { 'origin': gateway.loom.url, 'content-type': 'application/json' }, body: JSON.stringify({ email: 'ada@example.com', password: 'a password that nobody may read' }) })
  gateway.upstream.respondWith({ text: answer, fault: 'half', chunks: 10 })
  await (await gateway.post(key, question({ stream: true }))).text()
  const last = await gateway.post(key, question())
  await linesOf(last.headers.get('x-request-id'))
  const cookies = gateway.admin.cookie.split('; ').map(cookie => cookie.slice(cookie.indexOf('=') + 1))
  for (const secret of [prompt, answer, 'nobody-may-read', 'nobody may read', key, upstreamSecret, ...cookies]) expect(gateway.loom.logs()).not.toContain(secret)
})
