import { afterAll, beforeAll, expect, test } from 'vitest'
import { head } from '../../support/hostile-answers'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { openGateway } from '../../support/open-gateway'
import type { RawUpstream } from '../../support/raw-upstream'
import { startRawUpstream } from '../../support/raw-upstream'
import { until } from '../../support/until'

const model = 'gpt-4o-mini'
const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`
const whole = (body: object) => head('application/json') + JSON.stringify(body)
const stream = (...events: object[]) => head('text/event-stream') + events.map(event).join('')

const chat = (tier: string) => ({ id: 'c', object: 'chat.completion', created: 1, model, service_tier: tier, choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }], usage: { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 } })
const chunk = (choices: object[], rest: object = {}) => ({ id: 'c', object: 'chat.completion.chunk', created: 1, model, service_tier: 'priority', choices, ...rest })
const response = (rest: object) => ({ id: 'r', object: 'response', status: 'completed', model, output: [{ type: 'message', content: [{ type: 'output_text', text: 'Hi' }] }], usage: { input_tokens: 10, output_tokens: 10 }, ...rest })

const question = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 10 }
const asked = { input: 'Hi', max_output_tokens: 10 }
const hosted = { prompt: { id: 'pmpt_1' }, max_output_tokens: 10 }
const priority = { service_tier: 'priority', tools: [{ type: 'function', name: 'f' }] }
const searched = { service_tier: 'default', tools: [{ type: 'web_search' }] }

const message = (rest: object) => ({ id: 'm', type: 'message', role: 'assistant', model: 'claude-opus-4-6', content: [{ type: 'text', text: 'Hi' }], stop_reason: 'end_turn', usage: { input_tokens: 10, output_tokens: 10, ...rest } })
const messageStream = (rest: object) => stream(
  { type: 'message_start', message: { ...message(rest), content: [], stop_reason: null } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }, { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } }, { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 10 } }, { type: 'message_stop' }
)
const inUs = { inference_geo: 'us' }
/** Claude Opus 4.6: 10 × 5,000 + 10 × 25,000 nano-USD. */
const claude = { kind: 'anthropic', model: 'claude-opus-4-6', nanoUsd: '300000' }

const cases: { name: string, path: string, body: object, answer: string, unpriced: string | undefined, kind?: string, model?: string, nanoUsd?: string }[] = [
  { name: 'message', path: 'messages', body: question, answer: whole(message(inUs)), unpriced: 'inference_geo', ...claude },
  { name: 'message-stream', path: 'messages', body: { ...question, stream: true }, answer: messageStream(inUs), unpriced: 'inference_geo', ...claude },
  { name: 'message-chat', path: 'chat/completions', body: question, answer: whole(message({ speed: 'fast' })), unpriced: 'speed', ...claude },
  { name: 'message-chat-stream', path: 'chat/completions', body: { ...question, stream: true }, answer: messageStream(inUs), unpriced: 'inference_geo', ...claude },
  { name: 'message-plain', path: 'messages', body: question, answer: whole(message({ inference_geo: 'global', speed: 'standard', service_tier: 'standard' })), unpriced: undefined, ...claude },
  { name: 'message-old', path: 'chat/completions', body: question, answer: whole(message({ inference_geo: 'not_available' })), unpriced: undefined, ...claude },
  { name: 'chat', path: 'chat/completions', body: question, answer: whole(chat('priority')), unpriced: 'service_tier' },
  { name: 'chat-stream', path: 'chat/completions', body: { ...question, stream: true }, answer: `${stream(chunk([{ index: 0, delta: { content: 'Hi' }, finish_reason: 'stop' }]), chunk([], { usage: chat('priority').usage }))}data: [DONE]\n\n`, unpriced: 'service_tier' },
  { name: 'response', path: 'responses', body: asked, answer: whole(response(priority)), unpriced: 'service_tier' },
  { name: 'response-stream', path: 'responses', body: { ...hosted, stream: true }, answer: stream({ type: 'response.completed', response: response(searched) }), unpriced: 'tools' },
  { name: 'hosted', path: 'responses', body: hosted, answer: whole(response(searched)), unpriced: 'tools' },
  { name: 'plain', path: 'chat/completions', body: question, answer: whole(chat('default')), unpriced: undefined },
  { name: 'plain-response', path: 'responses', body: hosted, answer: whole(response({ service_tier: 'default', tools: [{ type: 'function', name: 'f' }] })), unpriced: undefined }
]

let gateway: GatewayUnderTest
let upstream: RawUpstream
let key: string

beforeAll(async () => {
  upstream = await startRawUpstream(Object.fromEntries(cases.map(({ name, answer }) => [name, write => write(answer)])))
  gateway = await openGateway()
  for (const { name, kind = 'openai' } of cases) await gateway.api('POST', '/api/connections', { kind, name, baseUrl: upstream.baseUrl(name), secret: 'sk-secret' })
  await gateway.api('POST', `/api/platform/orgs/${gateway.orgId}/funds`, { amountUsd: '1', refId: 'funds' })
  await gateway.api('PATCH', `/api/platform/orgs/${gateway.orgId}/wallet`, { mode: 'prepaid' })
  key = (await gateway.createKey()).key
  // The wallet's new mode is known once it refuses what has no price.
  await until(async () => (await ask('plain', 'chat/completions', { ...question, service_tier: 'priority' })).status === 422)
})
afterAll(async () => {
  await gateway.remove()
  await upstream.stop()
})

const ask = (name: string, path: string, body: object, model = 'gpt-4o-mini') => fetch(`${gateway.loom.url}/v1/${path}`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ ...body, model: `${name}/${model}` }) })

async function countUnpriced(): Promise<number> {
  const lines = (await (await fetch(`${gateway.loom.url}/metrics`)).text()).match(/^gateway_unpriced_answers_total\{.*\} (\d+)$/gm) ?? []
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

test.each(cases)('an answer is charged for its tokens, and marked where it tells that they do not pay for it: $name', async ({ name, path, body, unpriced, model, nanoUsd = '7500' }) => {
  const before = await countUnpriced()
  const answer = await ask(name, path, body, model)
  expect({ status: answer.status, body: await answer.text() }).toMatchObject({ status: 200 })
  const { charge } = await gateway.api('GET', `/api/traces/${answer.headers.get('x-request-id')}`)
  // gpt-4o-mini: 10 × 150 + 10 × 600 nano-USD
  expect(charge).toMatchObject({ usageSource: 'provider', capturedNanoUsd: nanoUsd })
  expect(charge).toHaveProperty('price', unpriced ? expect.objectContaining({ unpriced }) : expect.not.objectContaining({ unpriced: expect.anything() }))
  expect(await countUnpriced()).toBe(before + (unpriced ? 1 : 0))
})
