import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { head } from '../../support/hostile-answers'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway } from '../../support/open-gateway'
import type { RawUpstream } from '../../support/raw-upstream'
import { startRawUpstream } from '../../support/raw-upstream'

const whole = (body: object) => head('application/json') + JSON.stringify(body)
const stream = (...events: object[]) => head('text/event-stream') + [...events.map(event => JSON.stringify(event)), '[DONE]'].map(data => `data: ${data}\n\n`).join('')
const failedChoice = { index: 0, finish_reason: 'error', error: { code: 502, message: 'The model died.' } }
const begun = { id: 'c', choices: [{ index: 0, delta: { role: 'assistant', content: 'Half of an answer' }, finish_reason: null }] }
const usage = { prompt_tokens: 10, completion_tokens: 0, total_tokens: 10 }

/** What providers answer under a 200, and a part of what the caller is told of it. */
const wholeFailures = {
  'no-choice': [whole({ id: 'c', choices: [], usage }), 'not a'],
  'error-beside': [whole({ error: { message: 'The model died.', code: 502 }, choices: [] }), 'The model died.'],
  'error-flat': [whole({ object: 'error', message: 'The model died.', code: 502 }), 'The model died.'],
  'failed-choice': [whole({ choices: [{ ...failedChoice, message: { content: 'Half of an answer' }, text: 'Half of an answer' }] }), 'The model died.']
} as const
const openings = {
  'opening-choice': stream({ id: 'c', object: 'chat.completion.chunk', created: 1, model, choices: [{ ...failedChoice, delta: { role: 'assistant', content: '' } }] }),
  'opening-flat': stream({ object: 'error', message: 'The model died.', code: 500 }),
  'opening-done': stream()
} as const
const breaks = {
  'late-choice': stream(begun, { id: 'c', choices: [{ ...failedChoice, delta: { content: '' } }] }),
  'late-flat': stream(begun, { object: 'error', message: 'The model died.', code: 500 }),
  'late-done': stream(begun)
} as const

const endpoints = [
  { path: 'chat/completions', body: { messages: [{ role: 'user', content: 'Hi' }] }, end: '[DONE]' },
  { path: 'messages', body: { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 100 }, end: 'message_stop' },
  { path: 'responses', body: { input: 'Hi' }, end: 'response.completed' }
] as const

let gateway: GatewayUnderTest
let upstream: RawUpstream
let key: string

beforeAll(async () => {
  const answers = { ...Object.fromEntries(Object.entries(wholeFailures).map(([name, [answer]]) => [name, answer])), ...openings, ...breaks, 'no-choice-stream': stream({ id: 'c', choices: [], usage }) }
  upstream = await startRawUpstream(Object.fromEntries(Object.entries(answers).map(([name, answer]) => [name, write => write(answer)])))
  gateway = await openGateway({ UPSTREAM_RETRIES: '0' })
  key = (await gateway.createKey()).key
  for (const name of Object.keys(answers)) await gateway.api('POST', '/api/connections', { kind: 'openai-compatible', name, baseUrl: upstream.baseUrl(name), secret: null })
})
afterAll(async () => {
  await gateway.remove()
  await upstream.stop()
})

/** A circuit is a model's: names of its own keep each endpoint's failures to itself. */
const modelOf = (name: string, path: string) => `${name}/${path.replaceAll('/', '-')}`
const post = (path: string, body: object) => fetch(`${gateway.loom.url}/v1/${path}`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: JSON.stringify(body) })
const traceOf = (response: Response) => gateway.api('GET', `/api/traces/${response.headers.get('x-request-id')}`)

describe.each(endpoints)('/v1/$path', ({ path, body, end }) => {
  test.each(Object.entries(wholeFailures))('takes no 200 for an answer that has none, and charges nothing: %s', async (name, [, words]) => {
    const response = await post(path, { ...body, model: modelOf(name, path) })
    expect({ status: response.status, text: await response.text() }).toEqual({ status: 502, text: expect.stringContaining(words) })
    expect(await traceOf(response)).toMatchObject({ charge: null })
    const other = await post(path, { ...body, model: modelOf(name, path), models: [`mock/${model}`] })
    expect([other.status, other.headers.get('x-loom-attempts')]).toEqual([200, '2'])
  })

  test.each(Object.keys(openings))('goes on to the next where a stream begins with its failure: %s', async (name) => {
    const response = await post(path, { ...body, stream: true, model: modelOf(name, path), models: [`mock/${model}`] })
    const text = await response.text()
    expect([response.status, response.headers.get('x-loom-attempts')]).toEqual([200, '2'])
    expect(text).toContain(end)
    expect(text).not.toContain('died')
  })

  test.each(Object.keys(breaks))('ends with an error event, charged in part, where a stream fails later: %s', async (name) => {
    const response = await post(path, { ...body, stream: true, model: modelOf(name, path) })
    const text = await response.text()
    expect(text).toContain('Half of an answer')
    expect(text).toContain(name === 'late-done' ? 'half way' : 'The model died.')
    expect(text).not.toContain(end)
    expect(await traceOf(response)).toMatchObject({ charge: { usageSource: 'partial' } })
  })

  test('takes no stream without a choice for an answer, and charges nothing', async () => {
    const response = await post(path, { ...body, stream: true, model: modelOf('no-choice-stream', path) })
    expect({ status: response.status, text: await response.text() }).toEqual({ status: 502, text: expect.stringMatching(/before it began|half way/) })
    expect(await traceOf(response)).toMatchObject({ charge: null })
  })
})
