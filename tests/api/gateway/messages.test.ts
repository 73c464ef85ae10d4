import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { MockBehaviourInput } from '../../support/mock-upstream/behaviour'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { openGateway, upstreamSecret } from '../../support/open-gateway'
import { readTrace } from '../../support/read-trace'
import { until } from '../../support/until'

let gateway: GatewayUnderTest
let key: string
let anthropic: Anthropic

beforeAll(async () => {
  gateway = await openGateway()
  await gateway.api('POST', '/api/connections', { kind: 'anthropic', name: 'claude', baseUrl: gateway.upstream.url, secret: upstreamSecret })
  key = (await gateway.createKey()).key
  anthropic = clientOf(key)
})
beforeEach(() => gateway.upstream.reset())
afterAll(() => gateway.remove())

const native = 'claude-sonnet-4-5'
const translated = 'gpt-4o-mini'
const messages = [{ role: 'user' as const, content: 'Say hello' }]
const tools = [{ name: 'weather', description: 'Tells the weather', input_schema: { type: 'object' as const, properties: { city: { type: 'string' } } } }]
const usage = { inputTokens: 1_000, outputTokens: 100, cachedInputTokens: 400, reasoningTokens: 30 }

describe.each([['natively', native, 'anthropic'], ['over chat completions', translated, 'openai']])('the official SDK, answered %s', (_, model, provider) => {
  test('gets a whole message with its usage and exact cost', async () => {
    gateway.upstream.respondWith({ text: 'Hello there', usage })
    const { data, response, request_id: requestId } = await anthropic.messages.create({ model, max_tokens: 200, messages, system: 'Be kind.' }).withResponse()
    expect(data).toMatchObject({ type: 'message', role: 'assistant', content: [{ type: 'text', text: 'Hello there' }], stop_reason: 'end_turn' })
    expect(data.usage).toMatchObject({ input_tokens: 600, cache_read_input_tokens: 400, cache_creation_input_tokens: 0, output_tokens: 100, output_tokens_details: { thinking_tokens: 30 } })
    expect(requestId).toBe(response.headers.get('x-request-id'))
    // gpt-4o-mini: 600 × $0.15/M + 400 × $0.075/M + 100 × $0.60/M; Sonnet 4.5: 600 × $3/M + 400 × $0.30/M + 100 × $15/M
    const cost = provider === 'openai' ? '0.00018' : '0.00342'
    expect(response.headers.get('x-loom-cost-usd')).toBe(cost)
    expect(await readTrace(gateway, key, requestId ?? null)).toMatchObject({
      endpoint: 'messages', provider, status_code: 200, input_tokens: 1_000, cached_input_tokens: 400, output_tokens: 100, reasoning_tokens: 30, cost_usd: cost, is_stream: false
    })
  })

  test('gets a stream, event by event, charged before its end', async () => {
    gateway.upstream.respondWith({ text: 'One two three four', chunks: 4, usage })
    const stream = anthropic.messages.stream({ model, max_tokens: 200, messages })
    const events: string[] = []
    stream.on('streamEvent', event => events.push(event.type))
    const message = await stream.finalMessage()
    expect(message).toMatchObject({ content: [{ type: 'text', text: 'One two three four' }], stop_reason: 'end_turn', usage: { input_tokens: 600, cache_read_input_tokens: 400, output_tokens: 100, output_tokens_details: { thinking_tokens: 30 } } })
    expect(events[0]).toBe('message_start')
    expect(events.slice(-3)).toEqual(['content_block_stop', 'message_delta', 'message_stop'])
    const trace = await readTrace(gateway, key, stream.request_id ?? null)
    expect(trace).toMatchObject({ endpoint: 'messages', is_stream: true, input_tokens: 1_000, output_tokens: 100, reasoning_tokens: 30, cost_usd: provider === 'openai' ? '0.00018' : '0.00342' })
    expect(String(trace.response_body)).toContain('One two three four')
  })

  test.each([false, true])('gets tool calls, and answers them (streamed: %s)', async (streamed) => {
    gateway.upstream.respondWith({ toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }, { name: 'weather', arguments: '{"city":"Rome"}' }] })
    const body = { model, max_tokens: 200, messages, tools, tool_choice: { type: 'any' as const } }
    const asked = streamed ? await anthropic.messages.stream(body).finalMessage() : await anthropic.messages.create(body)
    expect(asked.stop_reason).toBe('tool_use')
    expect(asked.content).toMatchObject([{ type: 'tool_use', name: 'weather', input: { city: 'Oslo' } }, { type: 'tool_use', name: 'weather', input: { city: 'Rome' } }])
    const results = asked.content.flatMap(block => block.type === 'tool_use' ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: 'Sunny' }] : [])
    const answer = await anthropic.messages.create({ ...body, messages: [...messages, { role: 'assistant', content: asked.content }, { role: 'user', content: [...results, { type: 'text', text: 'And now?' }] }] })
    expect(answer.content[0]?.type).toBe('text')
  })

  test.each(['reasoning_content', 'reasoning'] as const)('gets thinking that it asked for (%s)', async (reasoningField) => {
    const behaviour = { reasoning: 'Hm, hello.', reasoningField, text: 'Hello' }
    gateway.upstream.respondWith(behaviour, { times: 2 })
    const body = { model, max_tokens: 4_000, messages, thinking: { type: 'enabled' as const, budget_tokens: 2_000 } }
    for (const message of [await anthropic.messages.create(body), await anthropic.messages.stream(body).finalMessage()]) {
      expect(message.content).toMatchObject([{ type: 'thinking', thinking: 'Hm, hello.' }, { type: 'text', text: 'Hello' }])
    }
  })

  test.each<[string, MockBehaviourInput]>([
    ['breaks off', { fault: 'half' }], ['tells of an error', { fault: 'error-event' }]
  ])('throws when the upstream %s in mid-stream, and what came is charged as partial', async (_, behaviour) => {
    gateway.upstream.respondWith({ text: 'word '.repeat(40), chunks: 10, usage: false, ...behaviour })
    const stream = anthropic.messages.stream({ model, max_tokens: 200, messages })
    await expect(stream.finalMessage()).rejects.toBeInstanceOf(Anthropic.APIError)
    const trace = await readTrace(gateway, key, stream.request_id ?? null)
    expect(trace).toMatchObject({ error_type: 'upstream_error' })
    expect(Number(trace.output_tokens)).toBeGreaterThan(0)
    expect(Number(trace.cost_usd)).toBeGreaterThan(0)
    expect(await gateway.api('GET', `/api/traces/${stream.request_id}`)).toMatchObject({ charge: { usageSource: 'partial' } })
  })

  test('gets a whole message though its last event never comes', async () => {
    gateway.upstream.respondWith({ text: 'All of it', fault: 'no-end' })
    expect(await anthropic.messages.stream({ model, max_tokens: 200, messages }).finalMessage()).toMatchObject({ content: [{ text: 'All of it' }], stop_reason: 'end_turn' })
  })

  test('that aborts closes the upstream at once, and pays for what was delivered', async () => {
    gateway.upstream.respondWith({ text: 'word '.repeat(400), chunks: 400, chunkIntervalMs: 20 })
    const stream = await anthropic.messages.create({ model, max_tokens: 2_000, messages, stream: true })
    for await (const event of stream) if (event.type === 'content_block_delta') break
    const request = await gateway.upstream.received()
    await until(() => request.callerGone, { what: () => 'the upstream to lose its caller' })
  })

  test('throws its own error classes, and reads why', async () => {
    gateway.upstream.respondWith({ status: 429, headers: { 'retry-after': '30' } })
    await expect(anthropic.messages.create({ model, max_tokens: 10, messages })).rejects.toBeInstanceOf(Anthropic.RateLimitError)
    gateway.upstream.respondWith({ status: 400 })
    await expect(anthropic.messages.create({ model, max_tokens: 10, messages })).rejects.toMatchObject({ status: 400, error: { type: 'error', error: { type: 'invalid_request_error', message: 'The mock answers 400.' } } })
    gateway.upstream.respondWith({ status: 401 })
    await expect(anthropic.messages.create({ model, max_tokens: 10, messages })).rejects.toMatchObject({ status: 502, error: { error: { type: 'api_error' } } })
  })

  test('gets our count when the provider tells none', async () => {
    const behaviour = { text: 'The quick brown fox jumps over the lazy dog', usage: false as const }
    gateway.upstream.respondWith(behaviour, { times: 2 })
    for (const message of [await anthropic.messages.create({ model, max_tokens: 100, messages }), await anthropic.messages.stream({ model, max_tokens: 100, messages }).finalMessage()]) {
      expect(message.usage.output_tokens).toBe(9)
    }
  })
})

test('a call to Anthropic passes as it came, with the connection\'s credential and the caller\'s beta features', async () => {
  const content = [{ type: 'text' as const, text: 'Hi', cache_control: { type: 'ephemeral' as const, ttl: '1h' as const } }]
  const body = { model: native, max_tokens: 10, messages: [{ role: 'user' as const, content }], top_k: 3 }
  await anthropic.messages.create(body, { headers: { 'anthropic-beta': 'context-1m-2025-08-07', 'x-other': 'no' } })
  const { headers, json, path } = await gateway.upstream.received()
  expect(path).toBe('/v1/messages')
  expect(json).toMatchObject({ model: native, top_k: 3, messages: [{ content: [{ text: 'Hi', cache_control: { type: 'ephemeral', ttl: '1h' } }] }] })
  expect(headers).toMatchObject({ 'x-api-key': upstreamSecret, 'anthropic-beta': 'context-1m-2025-08-07', 'anthropic-version': '2023-06-01' })
  expect(headers).not.toHaveProperty('x-other')
})

test('thinking that another model wrote, which nobody has signed, is not sent to Anthropic, nor counted there', async () => {
  gateway.upstream.respondWith({ reasoning: 'Hm, hello.', text: 'Hello' })
  const thinking = { type: 'enabled' as const, budget_tokens: 2_000 }
  const answered = await anthropic.messages.create({ model: translated, max_tokens: 4_000, messages, thinking })
  expect(answered.content).toMatchObject([{ type: 'thinking', signature: '' }, { type: 'text' }])
  const signed = { type: 'thinking' as const, thinking: 'I think.', signature: 'bW9jaw==' }
  const turns: Anthropic.MessageParam[] = [
    ...messages, { role: 'assistant', content: answered.content }, { role: 'user', content: 'And now?' },
    { role: 'assistant', content: [signed, { type: 'text', text: 'Bye' }] }, { role: 'user', content: 'So?' },
    { role: 'assistant', content: [{ type: 'thinking', thinking: 'Cut', signature: '' }] }, { role: 'user', content: 'Well?' }
  ]
  gateway.upstream.reset()
  await anthropic.messages.create({ model: native, max_tokens: 4_000, messages: turns, thinking })
  await anthropic.messages.countTokens({ model: native, messages: turns, thinking })
  expect(gateway.upstream.requests).toHaveLength(2)
  for (const { json } of gateway.upstream.requests) {
    expect(json.messages).toMatchObject([
      { role: 'user' }, { role: 'assistant', content: [{ type: 'text', text: 'Hello' }] }, { role: 'user' },
      { role: 'assistant', content: [signed, { type: 'text', text: 'Bye' }] }, { role: 'user', content: 'So?' }, { role: 'user', content: 'Well?' }
    ])
  }
})

test('a tool\'s result that failed says so to a model that speaks chat completions', async () => {
  const call = (id: string) => ({ type: 'tool_use' as const, id, name: 'weather', input: {} })
  await anthropic.messages.create({
    model: translated, max_tokens: 10, tools,
    messages: [...messages, { role: 'assistant', content: [call('t1'), call('t2')] }, { role: 'user', content: [
      { type: 'tool_result', tool_use_id: 't1', content: [{ type: 'text', text: 'no such city' }], is_error: true }, { type: 'tool_result', tool_use_id: 't2', content: 'Sunny', is_error: false }
    ] }]
  })
  expect((await gateway.upstream.received()).json.messages).toMatchObject([{ role: 'user' }, { role: 'assistant' }, { role: 'tool', content: 'Error: no such city' }, { role: 'tool', content: 'Sunny' }])
})

test('text, images and documents reach a model that speaks chat completions', async () => {
  const image = { type: 'image' as const, source: { type: 'base64' as const, media_type: 'image/png' as const, data: 'iVBORw0=' } }
  const body = {
    model: translated, max_tokens: 10, stop_sequences: ['END'], temperature: 0.5, system: [{ type: 'text', text: 'Be brief.' }], tools,
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'What is this?' }, image] },
      { role: 'assistant', content: [{ type: 'text', text: 'Let me look.' }, { type: 'tool_use', id: 't1', name: 'weather', input: { city: 'Oslo' } }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1', content: [{ type: 'text', text: 'Sunny' }, image] }, { type: 'text', text: 'Well?' }] }
    ]
  } satisfies Anthropic.MessageCreateParams & { temperature: number }
  await anthropic.messages.create(body)
  const url = 'data:image/png;base64,iVBORw0='
  expect((await gateway.upstream.received()).json).toMatchObject({
    model: translated, max_completion_tokens: 10, stop: ['END'], temperature: 0.5,
    tools: [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }],
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url } }] },
      { role: 'assistant', content: 'Let me look.', tool_calls: [{ id: 't1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }] },
      { role: 'tool', tool_call_id: 't1', content: 'Sunny' },
      { role: 'user', content: [{ type: 'image_url', image_url: { url } }, { type: 'text', text: 'Well?' }] }
    ]
  })
})

test('pictures and reasoning that came over chat completions are charged when the upstream breaks off, though no message shows them', async () => {
  gateway.upstream.respondWith({ reasoning: 'Which picture would they like? '.repeat(20), text: 'Look', chunks: 1, images: Array.from({ length: 20 }, () => 'data:image/png;base64,AAAA'), usage: false, fault: 'half' })
  const stream = anthropic.messages.stream({ model: translated, max_tokens: 200, messages })
  await expect(stream.finalMessage()).rejects.toBeInstanceOf(Anthropic.APIError)
  const trace = await readTrace(gateway, key, stream.request_id ?? null)
  expect(Number(trace.output_tokens)).toBeGreaterThan(1_290 + 100)
})

describe('a call of a tool that the limit cut off, over chat completions', () => {
  const cutOff = { toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }, { name: 'weather', arguments: '{"city":"Ro' }], usage }

  test.each([['length', 'max_tokens'], ['content_filter', 'refusal']] as const)('is no call to run, and the answer is charged (%s)', async (finishReason, stopReason) => {
    gateway.upstream.respondWith({ ...cutOff, finishReason }, { times: 2 })
    const { data, request_id: requestId } = await anthropic.messages.create({ model: translated, max_tokens: 200, messages, tools }).withResponse()
    expect(data).toMatchObject({ stop_reason: stopReason, content: [{ type: 'tool_use', input: { city: 'Oslo' } }] })
    expect(data.content).toHaveLength(1)
    expect(await readTrace(gateway, key, requestId ?? null)).toMatchObject({ status_code: 200, output_tokens: 100, cost_usd: '0.00018' })
    expect(gateway.upstream.requests).toHaveLength(1)
    expect(await anthropic.messages.stream({ model: translated, max_tokens: 200, messages, tools }).finalMessage()).toMatchObject({ stop_reason: stopReason })
  })

  test.each([false, true])('is not run by the SDK\'s tool runner (streamed: %s)', async (stream) => {
    gateway.upstream.respondWith({ ...cutOff, finishReason: 'length' })
    const cities: unknown[] = []
    const runner = anthropic.beta.messages.toolRunner({
      model: translated, max_tokens: 200, messages, stream, max_iterations: 2,
      tools: [{ ...tools[0]!, parse: input => input, run: (input: unknown) => {
        cities.push(input)
        return 'Sunny'
      } }]
    })
    expect(await runner).toMatchObject({ stop_reason: 'max_tokens' })
    expect(cities).toEqual([])
  })
})

test('a thread that Anthropic has lost is begun anew by the SDK, which reads so in the error', async () => {
  const thread = anthropic.beta.messages.thread({ model: native, max_tokens: 200 })
  await thread.send({ role: 'user', content: 'One' })
  gateway.upstream.respondWith({ status: 404, errorBody: JSON.stringify({ type: 'error', error: { type: 'not_found_error', message: 'No such thread', details: { error_code: 'thread_not_found' } } }) })
  await thread.send({ role: 'user', content: 'Two' })
  expect(gateway.upstream.requests.map(({ json }) => json)).toMatchObject([
    { thread: { type: 'create' }, messages: [{ content: 'One' }] },
    { thread: { type: 'continue' }, messages: [{ content: 'Two' }] },
    { thread: { type: 'create' }, messages: [{ content: 'One' }, { role: 'assistant' }, { content: 'Two' }] }
  ])
})

test.each([false, true])('the SDK\'s tool runner, which would leave the conversation with Anthropic in a thread, sends all of it to a model of others (streamed: %s)', async (stream) => {
  gateway.upstream.respondWith({ toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }] }, { times: 1 })
  const runner = anthropic.beta.messages.toolRunner({
    model: translated, max_tokens: 200, messages, stream, max_iterations: 2, tools: tools.map(tool => ({ ...tool, parse: (input: unknown) => input, run: () => 'Sunny' }))
  })
  await runner
  expect(gateway.upstream.requests.map(({ json }) => json.messages)).toMatchObject([
    [{ role: 'user' }],
    [{ role: 'user' }, { role: 'assistant', tool_calls: [{ function: { name: 'weather' } }] }, { role: 'tool', content: 'Sunny' }]
  ])
})

test.each(['shared', 'none'] as const)('parallel calls whose index a server writes so are told apart by their ids: %s', async (callIndexes) => {
  gateway.upstream.respondWith({ toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }, { name: 'weather', arguments: '{"city":"Rome"}' }], callIndexes })
  const message = await anthropic.messages.stream({ model: translated, max_tokens: 200, messages, tools }).finalMessage()
  expect(message).toMatchObject({ stop_reason: 'tool_use', content: [{ type: 'tool_use', id: 'call_mock_0', input: { city: 'Oslo' } }, { type: 'tool_use', id: 'call_mock_1', input: { city: 'Rome' } }] })
})

test('what Gemini tells of the prompt before it answers is told at the start, and charged should the answer break off', async () => {
  await gateway.api('POST', '/api/connections', { kind: 'google', name: 'gemini', baseUrl: gateway.upstream.url, secret: 'sk-gemini' })
  gateway.upstream.respondWith({ text: 'word '.repeat(40), chunks: 10, usage: { inputTokens: 10_000, outputTokens: 50 }, fault: 'half' })
  const stream = anthropic.messages.stream({ model: 'gemini-2.5-flash', max_tokens: 200, messages })
  const starts: unknown[] = []
  stream.on('streamEvent', event => event.type === 'message_start' && starts.push(event.message.usage))
  await expect(stream.finalMessage()).rejects.toBeInstanceOf(Anthropic.APIError)
  expect(starts).toMatchObject([{ input_tokens: 10_000, output_tokens: 0 }])
  expect(await readTrace(gateway, key, stream.request_id ?? null)).toMatchObject({ error_type: 'upstream_error', input_tokens: 10_000 })
})

test('what Claude summed the conversation up to is charged, written and read, should the answer break off', async () => {
  const input = { inputTokens: 10_000, outputTokens: 50 }
  const ask = async (summary?: string) => {
    gateway.upstream.respondWith({ text: 'word '.repeat(40), chunks: 10, summary, usage: input, fault: 'half' })
    const response = await fetch(`${gateway.loom.url}/v1/messages`, { method: 'POST', headers: { 'x-api-key': key }, body: JSON.stringify({ model: native, max_tokens: 200, messages, stream: true, context_management: { edits: [{ type: 'compact_20260112' }] } }) })
    expect(await response.text()).toContain('event: error')
    return await readTrace(gateway, key, response.headers.get('request-id'))
  }
  expect(await ask()).toMatchObject({ input_tokens: 10_000 })
  const trace = await ask('every good boy '.repeat(100))
  expect(Number(trace.input_tokens)).toBeGreaterThanOrEqual(10_000 + 300)
  expect(Number(trace.input_tokens)).toBeLessThan(10_000 + 310)
  expect(Number(trace.output_tokens)).toBeGreaterThanOrEqual(300)
  expect(String(trace.response_body)).toContain('every good boy')
})

test('the demo model answers this format too', async () => {
  const message = await anthropic.messages.stream({ model: 'demo', max_tokens: 300, messages }).finalMessage()
  expect(message.content[0]).toMatchObject({ type: 'text', text: expect.stringContaining('Say hello') })
})

test('a repeated Idempotency-Key gets the same stream again, its end included, and is charged once', async () => {
  gateway.upstream.respondWith({ text: 'Only once', usage })
  const ask = async () => {
    const response = await fetch(`${gateway.loom.url}/v1/messages`, { method: 'POST', headers: { 'x-api-key': key, 'idempotency-key': 'messages-1' }, body: JSON.stringify({ model: native, max_tokens: 50, messages, stream: true }) })
    return { id: response.headers.get('request-id'), replayed: response.headers.get('idempotent-replayed'), text: await response.text() }
  }
  const first = await ask()
  expect(first.text).toMatch(/event: message_stop\n.*\n\n$/)
  expect(await ask()).toEqual({ ...first, replayed: 'true' })
  expect(gateway.upstream.requests).toHaveLength(1)
})

describe('counting tokens', () => {
  test('is left to Anthropic for its models, and costs nothing', async () => {
    gateway.upstream.respondWith({ usage: { inputTokens: 4_321 } })
    const { data, response } = await anthropic.messages.countTokens({ model: native, messages }).withResponse()
    expect(data.input_tokens).toBe(4_321)
    expect((await gateway.upstream.received()).path).toBe('/v1/messages/count_tokens')
    expect(await readTrace(gateway, key, response.headers.get('x-request-id'))).toMatchObject({ endpoint: 'messages.count_tokens', cost_usd: '0', status_code: 200 })
  })
  test('is done here for others', async () => {
    const { input_tokens: count } = await anthropic.messages.countTokens({ model: translated, messages: [{ role: 'user', content: 'The quick brown fox jumps over the lazy dog' }] })
    expect(count).toBeGreaterThanOrEqual(9)
    expect(count).toBeLessThan(20)
    expect(gateway.upstream.requests).toHaveLength(0)
  })
})

describe('what is refused is told in Anthropic\'s format', () => {
  const post = (body: string, headers: Record<string, string> = { 'x-api-key': key }) => fetch(`${gateway.loom.url}/v1/messages`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
  const valid = { model: native, max_tokens: 10, messages }

  beforeAll(async () => {
    await gateway.api('POST', `/api/platform/orgs/${gateway.orgId}/funds`, { amountUsd: '10', refId: 'messages' })
    await gateway.api('PATCH', `/api/platform/orgs/${gateway.orgId}/wallet`, { mode: 'prepaid' })
  })

  test.each<[string, unknown, number, string]>([
    ['a body that is no object', [], 400, 'invalid_request_error'],
    ['no max_tokens', { model: native, messages }, 400, 'invalid_request_error'],
    ['no messages', { ...valid, messages: [] }, 400, 'invalid_request_error'],
    ['models that Anthropic would try, and none asked whether the key may use them', { ...valid, fallbacks: [{ model: 'claude-opus-4-8' }] }, 400, 'invalid_request_error'],
    ['an unknown model', { ...valid, model: 'nope' }, 404, 'not_found_error'],
    ['a tool of Anthropic\'s at another model', { ...valid, model: translated, tools: [{ type: 'bash_20250124', name: 'bash' }] }, 400, 'invalid_request_error'],
    ['a tool that is billed by use', { ...valid, tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, 422, 'invalid_request_error'],
    ['a speed with a price of its own', { ...valid, speed: 'fast' }, 422, 'invalid_request_error']
  ])('%s', async (_, body, status, type) => {
    const response = await post(JSON.stringify(body))
    expect({ status: response.status, body: await response.json() }).toMatchObject({ status, body: { type: 'error', error: { type, message: expect.any(String) } } })
    expect(gateway.upstream.requests).toHaveLength(0)
  })

  test('a call beyond the wallet: 402, and word that waiting does not help', async () => {
    const response = await post(JSON.stringify(valid), { 'x-api-key': key, 'x-billing-amount': '1000' })
    expect({ status: response.status, retry: response.headers.get('x-should-retry'), body: await response.json() })
      .toMatchObject({ status: 402, retry: 'false', body: { type: 'error', error: { type: 'billing_error', code: 'insufficient_funds', details: { required_usd: '1000' } } } })
  })

  test('a key that is none, and one without the scope', async () => {
    const { key: reader } = await gateway.createKey({ scopes: ['traces'] })
    for (const [presented, status, type] of [['loom_sk_wrong', 401, 'authentication_error'], [reader, 403, 'permission_error']] as const) {
      const response = await post(JSON.stringify(valid), { 'x-api-key': presented })
      expect({ status: response.status, body: await response.json() }).toMatchObject({ status, body: { type: 'error', error: { type } } })
    }
  })
})

function clientOf(apiKey: string): Anthropic {
  return new Anthropic({ apiKey, baseURL: gateway.loom.url, maxRetries: 0 })
}
