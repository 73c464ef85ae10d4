import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { head } from '../../support/hostile-answers'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { openGateway } from '../../support/open-gateway'
import type { RawUpstream } from '../../support/raw-upstream'
import { startRawUpstream } from '../../support/raw-upstream'
import { until } from '../../support/until'

/** $0.15 and $0.60 per million tokens: 10 of each cost 7,500 nano-USD. */
const model = 'openai/gpt-4o-mini'
const usage = { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20, is_byok: false, cost_details: { upstream_inference_cost: null } }

const whole = (body: object) => head('application/json') + JSON.stringify(body)
const stream = (...events: object[]) => `${head('text/event-stream')}${events.map(event => `data: ${JSON.stringify(event)}\n\n`).join('')}data: [DONE]\n\n`
const chat = (cost: unknown) => whole({ id: 'gen-1', object: 'chat.completion', created: 1, model, choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }], usage: { ...usage, cost } })
const chunk = (choices: object[], rest: object = {}) => ({ id: 'gen-1', object: 'chat.completion.chunk', created: 1, model, choices, ...rest })
const chatStream = (cost: unknown) => stream(chunk([{ index: 0, delta: { content: 'Hi' }, finish_reason: 'stop' }]), chunk([{ index: 0, delta: { role: 'assistant', content: '' } }], { usage: { ...usage, cost } }))
const text = (cost: unknown) => whole({ id: 'gen-1', object: 'text_completion', created: 1, model, choices: [{ index: 0, text: 'Hi', finish_reason: 'stop' }], usage: { ...usage, cost } })
const textStream = (cost: unknown) => stream({ id: 'gen-1', object: 'text_completion', created: 1, model, choices: [{ index: 0, text: 'Hi', finish_reason: 'stop' }] }, { id: 'gen-1', choices: [], usage: { ...usage, cost } })

/** Gemini's own words: 10 tokens read, 500 of words and a picture of 1,290. */
const drawn = { candidates: [{ content: { role: 'model', parts: [{ text: 'Look' }] }, finishReason: 'STOP', index: 0 }], usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 1_790, totalTokenCount: 1_800, candidatesTokensDetails: [{ modality: 'TEXT', tokenCount: 500 }, { modality: 'IMAGE', tokenCount: 1_290 }] }, modelVersion: 'gemini-2.5-flash-image' }

const answers: Record<string, string> = {
  'more': chat(0.0000123456781),
  'more-stream': chatStream(0.0000123456781),
  'more-text': text(0.0000123456781),
  'more-text-stream': textStream(0.0000123456781),
  'less': chat(0.000001),
  'less-stream': chatStream(0.000001),
  'negative': chat(-1),
  'words': chat('0.5'),
  'endless': chat(1e300),
  'none': chat(undefined),
  'picture': whole(drawn),
  'picture-stream': `${head('text/event-stream')}data: ${JSON.stringify(drawn)}\r\n\r\n`
}

/** Loaded into the server: what it sends to OpenRouter's host goes to the upstream of this test, in the clear. */
const detour = (port: string) => `
import net from 'node:net'
import tls from 'node:tls'
import { syncBuiltinESMExports } from 'node:module'
const { connect } = tls
tls.connect = (options, ...rest) => {
  if (options.servername !== 'openrouter.ai') return connect(options, ...rest)
  const socket = net.connect(${port}, '127.0.0.1')
  socket.once('connect', () => socket.emit('secureConnect'))
  return socket
}
syncBuiltinESMExports()
`

let gateway: GatewayUnderTest
let upstream: RawUpstream
let key: string
/** Connections' ids by their names. */
const connections = new Map<string, string>()

beforeAll(async () => {
  upstream = await startRawUpstream(Object.fromEntries(Object.entries(answers).map(([name, answer]) => [name, write => write(answer)])))
  const { port } = new URL(upstream.baseUrl('more'))
  gateway = await openGateway({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(detour(port))}` })
  const connect = async (connection: { kind: string, name: string, baseUrl: string }) => connections.set(connection.name, z.object({ id: z.string() }).parse(await gateway.api('POST', '/api/connections', { secret: 'sk-secret', ...connection })).id)
  for (const name of Object.keys(answers)) {
    if (name.startsWith('picture')) await connect({ kind: 'google', name, baseUrl: upstream.baseUrl(name) })
    else await connect({ kind: 'openai-compatible', name, baseUrl: `https://openrouter.ai/${name}/v1` })
  }
  await connect({ kind: 'openai', name: 'elsewhere', baseUrl: upstream.baseUrl('more') })
  key = (await gateway.createKey()).key
})
afterAll(async () => {
  await gateway.remove()
  await upstream.stop()
})

const messages = [{ role: 'user', content: 'Hi' }]
const paths = {
  chat: { path: 'chat/completions', body: { messages, max_tokens: 2_000 } },
  messages: { path: 'messages', body: { messages, max_tokens: 2_000 } },
  responses: { path: 'responses', body: { input: 'Hi', max_output_tokens: 2_000 } },
  completions: { path: 'completions', body: { prompt: 'Hi', max_tokens: 2_000 } }
}
type Format = keyof typeof paths

async function ask(name: string, format: Format = 'chat', { upstreamModel = model, headers = {} }: { upstreamModel?: string, headers?: Record<string, string> } = {}) {
  const { path, body } = paths[format]
  const response = await fetch(`${gateway.loom.url}/v1/${path}`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json', ...headers }, body: JSON.stringify({ ...body, model: `${name}/${upstreamModel}`, stream: name.endsWith('stream') }) })
  const text = await response.text()
  expect({ status: response.status, text }).toMatchObject({ status: 200 })
  const { charge } = await gateway.api('GET', `/api/traces/${response.headers.get('x-request-id')}`)
  return { charge, text, cache: response.headers.get('x-loom-cache'), cost: response.headers.get('x-loom-cost-usd') }
}

describe('what OpenRouter tells that an answer cost', () => {
  test.each<[string, Format]>([
    ['more', 'chat'], ['more-stream', 'chat'], ['more', 'messages'], ['more-stream', 'messages'], ['more', 'responses'], ['more-stream', 'responses'], ['more-text', 'completions'], ['more-text-stream', 'completions']
  ])('is charged where it is more than its tokens at the price in the catalogue, to the next nano-USD, and on record: %s, %s', async (name, format) => {
    const { charge, text, cost } = await ask(name, format)
    expect(charge).toMatchObject({ usageSource: 'provider', capturedNanoUsd: '12346', price: { inputPrice: '150000000', toldCostNanoUsd: '12346' } })
    if (name.endsWith('stream')) expect(format === 'chat' || format === 'completions' || text.includes('"cost":0.000012346')).toBe(true)
    else expect(cost).toBe('0.000012346')
  })

  test.each(['less', 'less-stream'])('is not where it is less: %s', async (name) => {
    expect((await ask(name)).charge).toMatchObject({ capturedNanoUsd: '7500', price: { toldCostNanoUsd: '1000' } })
  })

  test.each(['negative', 'words', 'endless', 'none'])('is passed over where it makes no sense: %s', async (name) => {
    const { charge } = await ask(name)
    expect(charge).toMatchObject({ usageSource: 'provider', capturedNanoUsd: '7500' })
    expect(charge).not.toHaveProperty('price.toldCostNanoUsd')
  })

  test('is not believed of another host', async () => {
    const { charge } = await ask('elsewhere', 'chat', { upstreamModel: 'gpt-4o-mini' })
    expect(charge).toMatchObject({ capturedNanoUsd: '7500' })
    expect(charge).not.toHaveProperty('price.toldCostNanoUsd')
  })

  test('says nothing against a price of an admin\'s or the caller\'s own', async () => {
    await gateway.api('POST', '/api/models/prices', { providerKind: 'openai-compatible', connectionId: connections.get('more'), model: 'openai/gpt-4o', inputNanoUsd: '100000000', outputNanoUsd: '100000000' })
    // Word of a price travels by notification: until it is there, the catalogue's counts.
    const overridden = await until(async () => {
      const { charge } = await ask('more', 'chat', { upstreamModel: 'openai/gpt-4o' })
      return JSON.stringify(charge).includes('override:') && charge
    }, { what: () => 'the price to be known' })
    expect(overridden).toMatchObject({ capturedNanoUsd: '2000' })
    expect(overridden).not.toHaveProperty('price.toldCostNanoUsd')
    expect((await ask('more', 'chat', { headers: { 'x-billing-amount': '0.000000005' } })).charge).toMatchObject({ capturedNanoUsd: '5', price: { source: 'x-billing-amount', rawCostNanoUsd: '12346' } })
  })

  test.each<[string, Format]>([['more', 'messages'], ['more-stream', 'responses']])('is what a cached answer costs its share of: %s, %s', async (name, format) => {
    await gateway.api('PATCH', `/api/platform/orgs/${gateway.orgId}/wallet`, { cacheHitBasisPoints: 5_000 })
    const hit = await until(async () => {
      const answer = await ask(name, format, { headers: { 'x-loom-cache': 'on' } })
      return answer.cache === 'hit' && JSON.stringify(answer.charge).includes('"capturedNanoUsd":"6173"') && answer
    }, { what: () => 'half of it to be charged' })
    expect(hit.charge).toMatchObject({ price: { rawCostNanoUsd: '0', chargedNanoUsd: '6173', cacheHitBasisPoints: 5_000 } })
  })

  test('is marked up as any cost is', async () => {
    await gateway.api('PATCH', `/api/platform/orgs/${gateway.orgId}/wallet`, { markupBasisPoints: 2_000 })
    const charge = await until(async () => {
      const { charge } = await ask('more')
      return JSON.stringify(charge).includes('"markupBasisPoints":2000') && charge
    }, { what: () => 'the markup to be charged' })
    expect(charge).toMatchObject({ capturedNanoUsd: '14816', price: { toldCostNanoUsd: '12346', rawCostNanoUsd: '12346', chargedNanoUsd: '14816' } })
    await gateway.api('PATCH', `/api/platform/orgs/${gateway.orgId}/wallet`, { markupBasisPoints: 0 })
    await until(async () => !JSON.stringify((await ask('more')).charge).includes('markupBasisPoints'), { what: () => 'the markup to end' })
  })
})

// $0.30, $2.50, pictures $30
test.each<[string, Format]>([
  ['picture', 'chat'], ['picture-stream', 'chat'], ['picture', 'messages'], ['picture-stream', 'messages'], ['picture', 'responses'], ['picture-stream', 'responses'], ['picture', 'completions'], ['picture-stream', 'completions']
])('words beside a picture cost what words do, whatever the format: %s, %s', async (name, format) => {
  const { charge } = await ask(name, format, { upstreamModel: 'gemini-2.5-flash-image' })
  expect(charge).toMatchObject({ usageSource: 'provider', capturedNanoUsd: String(10n * 300n + 500n * 2_500n + 1_290n * 30_000n) })
})
