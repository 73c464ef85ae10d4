import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import { newId } from '../../../server/gateway/operations/response-ids'
import { CreatedApiKey } from '../../../shared/keys'
import type { MockBehaviourInput } from '../../support/mock-upstream/behaviour'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { openGateway } from '../../support/open-gateway'
import { readTrace } from '../../support/read-trace'
import { until } from '../../support/until'
import { signUp, Visitor } from '../../support/visitor'

let gateway: GatewayUnderTest
let key: string
let openai: OpenAI

beforeAll(async () => {
  gateway = await openGateway()
  // A server that has no Responses API: the same mock, under another kind.
  await gateway.api('POST', '/api/connections', { kind: 'openai-compatible', name: 'plain', baseUrl: gateway.upstream.baseUrl, secret: 'sk-plain' })
  await gateway.api('POST', '/api/connections', { kind: 'anthropic', name: 'claude', baseUrl: gateway.upstream.url, secret: 'sk-claude' })
  key = (await gateway.createKey()).key
  openai = gateway.client(key)
})
beforeEach(() => gateway.upstream.reset())
afterAll(() => gateway.remove())

const native = 'gpt-4o-mini'
const usage = { inputTokens: 1_000, outputTokens: 100, cachedInputTokens: 400, reasoningTokens: 30 }
const tools = [{ type: 'function' as const, name: 'weather', description: 'Tells the weather', parameters: { type: 'object', properties: { city: { type: 'string' } } }, strict: false }]

describe.each([['natively', native, '/v1/responses'], ['over chat completions', 'plain/llama', '/v1/chat/completions'], ['over Anthropic\'s messages', 'claude-sonnet-4-5', '/v1/messages']])('the official SDK, answered %s', (_, model, path) => {
  test('gets a whole response with its usage', async () => {
    gateway.upstream.respondWith({ text: 'Hello there', usage })
    const { data, response } = await openai.responses.create({ model, input: 'Say hello', instructions: 'Be kind.', max_output_tokens: 200 }).withResponse()
    expect(data).toMatchObject({ object: 'response', status: 'completed', output_text: 'Hello there', error: null, incomplete_details: null })
    expect(data.usage).toMatchObject({ input_tokens: 1_000, input_tokens_details: { cached_tokens: 400 }, output_tokens: 100, total_tokens: 1_100 })
    expect((await gateway.upstream.received()).path).toBe(path)
    expect(await readTrace(gateway, key, response.headers.get('x-request-id'))).toMatchObject({
      endpoint: 'responses', status_code: 200, input_tokens: 1_000, cached_input_tokens: 400, output_tokens: 100, is_stream: false
    })
  })

  test('gets every streaming event in order, numbered, charged before the last', async () => {
    gateway.upstream.respondWith({ text: 'One two three four', chunks: 4, usage })
    const { data: stream, response } = await openai.responses.create({ model, input: 'Count', stream: true }).withResponse()
    const events = await collect(stream)
    expect(events.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1])).toEqual([
      'response.created', 'response.in_progress', 'response.output_item.added', 'response.content_part.added', 'response.output_text.delta',
      'response.output_text.done', 'response.content_part.done', 'response.output_item.done', 'response.completed'
    ])
    expect(events.map(event => event.sequence_number)).toEqual(events.map((_, index) => index))
    expect(events.flatMap(event => event.type === 'response.output_text.delta' ? event.delta : []).join('')).toBe('One two three four')
    expect(events.at(-1)).toMatchObject({ response: { status: 'completed', usage: { input_tokens: 1_000, output_tokens: 100 } } })
    const trace = await readTrace(gateway, key, response.headers.get('x-request-id'))
    expect(trace).toMatchObject({ endpoint: 'responses', is_stream: true, input_tokens: 1_000, output_tokens: 100 })
    expect(String(trace.response_body)).toContain('One two three four')
  })

  test('puts a stream together again with its own helper', async () => {
    gateway.upstream.respondWith({ toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }, { name: 'weather', arguments: '{"city":"Rome"}' }] })
    const final = await openai.responses.stream({ model, input: 'Weather?', tools }).finalResponse()
    expect(final.output).toMatchObject([{ type: 'function_call', name: 'weather', arguments: '{"city":"Oslo"}' }, { type: 'function_call', name: 'weather', arguments: '{"city":"Rome"}' }])
  })

  test('gets tool calls, and answers them', async () => {
    gateway.upstream.respondWith({ toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }] })
    const asked = await openai.responses.create({ model, input: 'Weather?', tools, tool_choice: 'required' })
    expect(asked.output).toMatchObject([{ type: 'function_call', name: 'weather', arguments: '{"city":"Oslo"}', status: 'completed' }])
    const results = asked.output.flatMap(item => item.type === 'function_call' ? [item, { type: 'function_call_output' as const, call_id: item.call_id, output: 'Sunny' }] : [])
    gateway.upstream.respondWith({ text: 'It is sunny.' })
    const answer = await openai.responses.create({ model, input: [{ role: 'user', content: 'Weather?' }, ...results], tools })
    expect(answer.output_text).toBe('It is sunny.')
  })

  test('hears why an answer was cut', async () => {
    gateway.upstream.respondWith({ text: 'Half', finishReason: 'length' }, { times: 2 })
    const cut = { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }
    expect(await openai.responses.create({ model, input: 'Long' })).toMatchObject(cut)
    expect(await openai.responses.stream({ model, input: 'Long' }).finalResponse()).toMatchObject(cut)
  })

  test.each<[string, MockBehaviourInput]>([
    ['breaks off', { fault: 'half' }], ['tells of an error', { fault: 'error-event' }]
  ])('throws when the upstream %s in mid-stream, and what came is charged', async (_, behaviour) => {
    gateway.upstream.respondWith({ text: 'word '.repeat(40), chunks: 10, usage: false, ...behaviour })
    const { data: stream, response } = await openai.responses.create({ model, input: 'Hi', stream: true }).withResponse()
    await expect(collect(stream)).rejects.toBeInstanceOf(OpenAI.APIError)
    const trace = await readTrace(gateway, key, response.headers.get('x-request-id'))
    expect(trace).toMatchObject({ error_type: 'upstream_error' })
    expect(Number(trace.output_tokens)).toBeGreaterThan(0)
  })

  test('gets our count when the provider tells none', async () => {
    gateway.upstream.respondWith({ text: 'The quick brown fox jumps over the lazy dog', usage: false }, { times: 2 })
    expect((await openai.responses.create({ model, input: 'Hi' })).usage?.output_tokens).toBe(9)
    expect((await openai.responses.stream({ model, input: 'Hi' }).finalResponse()).usage?.output_tokens).toBe(9)
  })

  test('throws its own error classes', async () => {
    gateway.upstream.respondWith({ status: 429, headers: { 'retry-after': '30' } })
    await expect(openai.responses.create({ model, input: 'Hi' })).rejects.toBeInstanceOf(OpenAI.RateLimitError)
    await expect(openai.responses.create({ model: 'nope', input: 'Hi' })).rejects.toBeInstanceOf(OpenAI.NotFoundError)
  })

  test('is told that nothing runs in the background', async () => {
    await expect(openai.responses.create({ model, input: 'Hi', background: true })).rejects.toMatchObject({ status: 400, param: 'background' })
    expect(gateway.upstream.requests).toHaveLength(0)
  })
})

test('what needs answers kept at the provider passes natively, and is refused elsewhere in plain words', async () => {
  await openai.responses.create({ model: native, input: 'Go on', previous_response_id: 'resp_1', store: true })
  expect((await gateway.upstream.received()).json).toMatchObject({ previous_response_id: 'resp_1', store: true })
  for (const [param, rest] of Object.entries({ previous_response_id: { previous_response_id: 'resp_1' }, conversation: { conversation: 'conv_1' } })) {
    await expect(openai.responses.create({ model: 'plain/llama', input: 'Go on', ...rest })).rejects.toMatchObject({ status: 400, param, message: expect.stringContaining('needs a provider with the Responses API') })
  }
  await expect(openai.responses.create({ model: 'plain/llama', input: 'Hi', tools: [{ type: 'web_search' }] })).rejects.toMatchObject({ status: 400, param: 'tools.0.type' })
  expect(gateway.upstream.requests).toHaveLength(1)
})

describe.each([['chat completions', 'plain/llama'], ['Anthropic\'s messages', 'claude-sonnet-4-5']])('Codex\'s tools over %s', (format, model) => {
  const patch = '*** Begin Patch\n*** Add File: "a".txt\n+Hello\n*** End Patch\n'
  const tools: OpenAI.Responses.Tool[] = [
    { type: 'custom', name: 'apply_patch', description: 'Edits files', format: { type: 'grammar', syntax: 'lark', definition: 'start: "*** Begin Patch" /.+/s' } },
    { type: 'namespace', name: 'mcp__github', description: 'Issues of GitHub', tools: [{ type: 'function', name: 'list_issues', parameters: { type: 'object', properties: { repo: { type: 'string' } } }, strict: false }] }
  ]
  const calls = [{ name: 'apply_patch', arguments: JSON.stringify({ input: patch }) }, { name: 'mcp__github__list_issues', arguments: '{"repo":"loom"}' }]
  const messages = format === 'chat completions'
    ? [{ role: 'assistant', tool_calls: calls.map(called => ({ function: called })) }, { role: 'tool', content: 'Done' }, { role: 'tool', content: 'None' }]
    : [{ role: 'assistant', content: calls.map(({ name, arguments: written }) => ({ type: 'tool_use', name, input: JSON.parse(written) })) }, { role: 'user', content: [{ type: 'tool_result' }, { type: 'tool_result' }] }]

  test.each([false, true])('are called, and answered in the next turn, whether the items come along or their answer is named (streamed: %s)', async (stream) => {
    gateway.upstream.respondWith({ toolCalls: calls })
    const answer = await openai.responses.create({ model, input: 'Fix it', tools, tool_choice: { type: 'custom', name: 'apply_patch' }, stream })
    const events = 'output' in answer ? [] : await collect(answer)
    const response = 'output' in answer ? answer : events.flatMap(event => event.type === 'response.completed' ? event.response : [])[0]
    const output = response?.output ?? []
    expect(output.filter(({ type }) => type !== 'message')).toMatchObject([{ type: 'custom_tool_call', status: 'completed', name: 'apply_patch', input: patch }, { type: 'function_call', name: 'list_issues', namespace: 'mcp__github', arguments: '{"repo":"loom"}' }])
    expect(response?.tools).toMatchObject(tools)
    expect(events.flatMap(event => event.type === 'response.custom_tool_call_input.delta' ? event.delta : []).join('')).toBe(stream ? patch : '')
    const results = [...output.flatMap(item => item.type === 'custom_tool_call' ? [{ type: 'custom_tool_call_output', call_id: item.call_id, output: 'Done' }] : []), ...output.flatMap(item => item.type === 'function_call' ? [{ type: 'function_call_output', call_id: item.call_id, output: 'None' }] : [])]
    const turns: object[] = [{ input: [{ role: 'user', content: 'Fix it' }, ...output, ...results] }, { previous_response_id: response?.id, input: results }]
    for (const turn of turns) {
      gateway.upstream.reset()
      await openai.responses.create({ model, tools, ...turn })
      const { json } = await gateway.upstream.received()
      expect(z.object({ messages: z.array(z.unknown()) }).parse(json).messages.slice(-messages.length)).toMatchObject(messages)
      expect(JSON.stringify(json.tools)).toContain('mcp__github__list_issues')
    }
  })
})

test('messages, images, files and formats reach a model that speaks chat completions', async () => {
  gateway.upstream.respondWith({ text: '{"city":"Oslo"}' })
  await openai.responses.create({
    model: 'plain/llama', instructions: 'Be brief.', max_output_tokens: 50, temperature: 0, reasoning: { effort: 'low' },
    text: { format: { type: 'json_schema', name: 'place', schema: { type: 'object' }, strict: true } },
    input: [
      { role: 'developer', content: 'Speak plainly.' },
      { role: 'user', content: [{ type: 'input_text', text: 'What is this?' }, { type: 'input_image', image_url: 'https://example.com/a.png', detail: 'low' }] },
      { type: 'message', role: 'assistant', id: 'msg_1', status: 'completed', content: [{ type: 'output_text', text: 'Let me look.', annotations: [] }] },
      { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{}' },
      { type: 'function_call', call_id: 'c2', name: 'weather', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output: 'Sunny' },
      { type: 'function_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'Rainy' }] }
    ],
    tools
  })
  const call = (id: string) => ({ id, type: 'function', function: { name: 'weather', arguments: '{}' } })
  expect((await gateway.upstream.received()).json).toMatchObject({
    model: 'llama', max_tokens: 50, temperature: 0,
    response_format: { type: 'json_schema', json_schema: { name: 'place', schema: { type: 'object' }, strict: true } },
    tools: [{ type: 'function', function: { name: 'weather', strict: false } }],
    messages: [
      { role: 'system', content: 'Be brief.\n\nSpeak plainly.' },
      { role: 'user', content: [{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'low' } }] },
      { role: 'assistant', content: 'Let me look.', tool_calls: [call('c1'), call('c2')] },
      { role: 'tool', tool_call_id: 'c1', content: 'Sunny' },
      { role: 'tool', tool_call_id: 'c2', content: 'Rainy' }
    ]
  })
})

test('a call of a tool that the limit cut off is incomplete, and the one before it is whole', async () => {
  gateway.upstream.respondWith({ toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }, { name: 'weather', arguments: '{"city":"Ro' }], finishReason: 'length' }, { times: 2 })
  const body = { model: 'plain/llama', input: 'Weather?', tools }
  for (const response of [await openai.responses.create(body), await openai.responses.stream(body).finalResponse()]) {
    expect(response).toMatchObject({
      status: 'incomplete',
      output: [{ type: 'function_call', arguments: '{"city":"Oslo"}', status: 'completed' }, { type: 'function_call', arguments: '{"city":"Ro', status: 'incomplete' }]
    })
  }
})

test.each(['shared', 'none'] as const)('parallel calls whose index a server writes so are told apart by their ids: %s', async (callIndexes) => {
  gateway.upstream.respondWith({ toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }, { name: 'weather', arguments: '{"city":"Rome"}' }], callIndexes })
  const { output } = await openai.responses.stream({ model: 'plain/llama', input: 'Weather?', tools }).finalResponse()
  expect(output).toMatchObject([{ type: 'function_call', call_id: 'call_mock_0', arguments: '{"city":"Oslo"}' }, { type: 'function_call', call_id: 'call_mock_1', arguments: '{"city":"Rome"}' }])
})

test('what Claude tells of the prompt before it answers is charged should the answer break off', async () => {
  gateway.upstream.respondWith({ text: 'word '.repeat(40), chunks: 10, usage: { inputTokens: 10_000, outputTokens: 50, cachedInputTokens: 9_000 }, fault: 'half' })
  const { data: stream, response } = await openai.responses.create({ model: 'claude-sonnet-4-5', input: 'Hi', stream: true }).withResponse()
  await expect(collect(stream)).rejects.toBeInstanceOf(OpenAI.APIError)
  expect(await readTrace(gateway, key, response.headers.get('x-request-id'))).toMatchObject({ error_type: 'upstream_error', input_tokens: 10_000, cached_input_tokens: 9_000 })
})

test.each(['reasoning_content', 'reasoning'] as const)('reasoning that a provider shows (%s) is told as a summary', async (reasoningField) => {
  gateway.upstream.respondWith({ reasoning: 'Hm, hello.', reasoningField, text: 'Hello' }, { times: 2 })
  const output = [{ type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm, hello.' }] }, { type: 'message', content: [{ type: 'output_text', text: 'Hello' }] }]
  expect((await openai.responses.create({ model: 'plain/llama', input: 'Hi' })).output).toMatchObject(output)
  expect((await openai.responses.stream({ model: 'plain/llama', input: 'Hi' }).finalResponse()).output).toMatchObject(output)
})

describe('what a translated model answered is named by ids', () => {
  const translated = 'plain/llama'
  const user = (content: string) => ({ role: 'user' as const, content })
  const reference = (id: string) => ({ type: 'item_reference' as const, id })
  const answered = async (behaviour: MockBehaviourInput = { text: 'Hello' }, streamed = false) => {
    gateway.upstream.respondWith(behaviour)
    const body = { model: translated, input: 'Hi' }
    const { id, output } = streamed ? await openai.responses.stream(body).finalResponse() : await openai.responses.create(body)
    gateway.upstream.reset()
    return { id, items: output.map(item => item.id ?? '') }
  }
  const isMissing = { status: 404, code: 'not_found', message: expect.stringContaining('store: false') }

  test.each([false, true])('which stand for its items, and for most models its thoughts for nothing (streamed: %s)', async (streamed) => {
    const { items } = await answered({ reasoning: 'Hm.', text: 'Hello' }, streamed)
    const ids = items.map(reference)
    expect(ids).toHaveLength(2)
    await openai.responses.create({ model: translated, input: [user('Hi'), ...ids, user('Again')] })
    expect((await gateway.upstream.received()).json).toMatchObject({ messages: [user('Hi'), { role: 'assistant', content: 'Hello' }, user('Again')] })
    // To OpenAI itself, which knows no such id, goes what it stands for.
    await openai.responses.create({ model: native, input: [user('Hi'), ...ids, user('Again')] })
    expect((await gateway.upstream.received(2)).json.input).toEqual([user('Hi'), { type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'Hello', annotations: [], logprobs: [] }] }, user('Again')])
  })

  test('which stand for its thoughts, too, at a model that wants them back before the call that they led to', async () => {
    const thinking = 'plain/deepseek-v4-pro'
    gateway.upstream.respondWith({ reasoning: 'Let me look.', toolCalls: [{ name: 'weather', arguments: '{}' }] })
    const { id, output } = await openai.responses.create({ model: thinking, input: [user('Weather?')], tools })
    const result = { type: 'function_call_output' as const, call_id: 'call_mock_0', output: 'Sunny' }
    const followUps = [{ previous_response_id: id, input: [result] }, { input: [user('Weather?'), ...output, result] }, { input: [user('Weather?'), ...output.map(item => reference(item.id ?? '')), result] }]
    const ask = (model: string, body: object) => openai.responses.create({ model, tools, ...body })
    for (const body of followUps) await ask(thinking, body)
    const asked = gateway.upstream.requests.slice(1).map(({ json }) => json)
    expect(asked).toHaveLength(3)
    for (const json of asked) expect(json).toMatchObject({ messages: [user('Weather?'), { role: 'assistant', reasoning_content: 'Let me look.', tool_calls: [{ id: 'call_mock_0' }] }, { role: 'tool', content: 'Sunny' }] })
    // No other model is shown them, nor is OpenAI.
    gateway.upstream.reset()
    for (const model of [translated, native]) for (const body of followUps) await ask(model, body)
    expect(gateway.upstream.requests).toHaveLength(6)
    expect(JSON.stringify(gateway.upstream.requests.map(({ json }) => json))).not.toContain('Let me look.')
  })

  test('which count in the prompt of a model that gets its thoughts back, where its provider tells none, and of no other', async () => {
    const thinking = 'plain/deepseek-v4-pro'
    gateway.upstream.respondWith({ reasoning: 'every good boy does fine '.repeat(200), toolCalls: [{ name: 'weather', arguments: '{}' }] })
    const { output } = await openai.responses.create({ model: thinking, input: [user('Weather?')], tools })
    const asked: object = { input: [user('Weather?'), ...output, { type: 'function_call_output', call_id: 'call_mock_0', output: 'Sunny' }] }
    const countAt = async (model: string) => {
      gateway.upstream.respondWith({ usage: false })
      return (await openai.responses.create({ model, tools, ...asked })).usage?.input_tokens
    }
    expect(await countAt(thinking)).toBeGreaterThan(1_000)
    expect(await countAt(translated)).toBeLessThan(200)
  })

  test('which stand for all that was asked and answered up to it, whoever goes on', async () => {
    const first = await answered()
    gateway.upstream.respondWith({ toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }] })
    const second = await openai.responses.create({ model: translated, input: [user('Weather?')], previous_response_id: first.id, instructions: 'Be kind.', tools })
    await openai.responses.create({ model: translated, input: [{ type: 'function_call_output', call_id: 'call_mock_0', output: 'Sunny' }], previous_response_id: second.id, stream: true }).then(collect)
    const turns = [user('Hi'), { role: 'assistant', content: 'Hello' }, user('Weather?'), { role: 'assistant', tool_calls: [{ id: 'call_mock_0', function: { name: 'weather' } }] }, { role: 'tool', content: 'Sunny' }]
    expect((await gateway.upstream.received(2)).json).toMatchObject({ messages: turns })
    await openai.responses.create({ model: native, input: 'And?', previous_response_id: first.id })
    const { json } = await gateway.upstream.received(3)
    expect(json.input).toMatchObject([user('Hi'), { role: 'assistant', content: [{ text: 'Hello' }] }, user('And?')])
    expect(json).not.toHaveProperty('previous_response_id')
  })

  test('which the next answer tells, and that it is kept unless it was not to be', async () => {
    const { id } = await answered()
    const told = { previous_response_id: id, store: true }
    for (const body of [{}, { store: true }]) expect(await openai.responses.create({ model: translated, input: 'Hi', previous_response_id: id, ...body })).toMatchObject(told)
    const events = await collect(await openai.responses.create({ model: translated, input: 'Hi', previous_response_id: id, store: true, stream: true }))
    expect([events[0], events.at(-1)]).toMatchObject([{ type: 'response.created', response: told }, { type: 'response.completed', response: told }])
    expect(await openai.responses.create({ model: translated, input: 'Hi', store: false })).toMatchObject({ previous_response_id: null, store: false })
  })

  test('which stand for what came of an answer that broke off', async () => {
    gateway.upstream.respondWith({ text: 'Once upon a time there was', chunks: 6, fault: 'half' })
    const events: OpenAI.Responses.ResponseStreamEvent[] = []
    const broken = (async () => {
      for await (const event of await openai.responses.create({ model: translated, input: 'Hi', stream: true })) events.push(event)
    })()
    await expect(broken).rejects.toBeInstanceOf(OpenAI.APIError)
    const came = events.flatMap(event => event.type === 'response.output_text.delta' ? event.delta : []).join('')
    expect(came).toMatch(/^Once/)
    const [id = ''] = events.flatMap(event => event.type === 'response.created' ? event.response.id : [])
    const items = events.flatMap(event => event.type === 'response.output_item.added' ? event.item.id ?? [] : [])
    for (const body of [{ previous_response_id: id, input: 'And?' }, { input: [user('Hi'), ...items.map(reference), user('And?')] }]) {
      gateway.upstream.reset()
      await openai.responses.create({ model: translated, ...body })
      expect((await gateway.upstream.received()).json).toMatchObject({ messages: [user('Hi'), { role: 'assistant', content: came }, user('And?')] })
    }
  })

  test('whether or not it is told that they are references', async () => {
    const { items } = await answered()
    for (const type of [{}, { type: null }]) await openai.responses.create({ model: translated, input: [user('Hi'), ...items.map(id => ({ ...type, id })), user('Again')] })
    for (const { json } of gateway.upstream.requests) expect(json).toMatchObject({ messages: [user('Hi'), { role: 'assistant', content: 'Hello' }, user('Again')] })
    expect(gateway.upstream.requests).toHaveLength(2)
  })

  test('that are not even looked for where the call may not be made', async () => {
    const body = { model: translated, input: 'Hi', previous_response_id: newId('resp', uuidv7()) }
    const ask = ({ key }: { key: string }) => gateway.client(key).responses.create(body)
    const check = ({ key }: { key: string }) => fetch(`${gateway.loom.url}/v1/policy/check`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ endpoint: '/v1/responses', body }) })
    const embedder = await gateway.createKey({ scopes: ['embeddings'] })
    const spent = await gateway.createKey({ limits: { requestsPerMinute: 1 } })
    await expect(ask(spent)).rejects.toMatchObject(isMissing)
    await gateway.client(spent.key).responses.create({ model: translated, input: 'Hi' })
    await expect(ask(embedder)).rejects.toMatchObject({ status: 403, code: 'insufficient_scope' })
    await expect(ask(spent)).rejects.toMatchObject({ status: 429, code: 'rate_limit_exceeded' })
    expect((await check(embedder)).status).toBe(403)
    expect((await check(spent)).status).toBe(429)
  })

  test('which count as what they stand for', async () => {
    const { items } = await answered({ text: 'word '.repeat(4_000) })
    const input = items.map(reference)
    gateway.upstream.respondWith({ text: 'Hello', usage: false })
    expect((await openai.responses.create({ model: translated, input })).usage?.input_tokens).toBeGreaterThan(4_000)
    const checked = await fetch(`${gateway.loom.url}/v1/policy/check`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ endpoint: '/v1/responses', body: { model: translated, input } }) })
    const { estimate } = z.object({ estimate: z.object({ max_input_tokens: z.number() }) }).parse(await checked.json())
    expect(estimate.max_input_tokens).toBeGreaterThan(4_000)
    expect(estimate.max_input_tokens).toBeLessThan(25_000)
  })

  test('that lead nowhere for strangers, for other projects, and for who made them up', async () => {
    const { id, items } = await answered()
    const ask = (client: OpenAI, rest: object) => client.responses.create({ model: translated, input: 'Hi', ...rest })
    const project = await gateway.api('POST', '/api/projects', { name: 'Apollo' })
    const { key: ofProject } = await gateway.createKey({ projectId: String(project.id) })
    const stranger = await signUp(new Visitor(gateway.loom, { ...gateway.admin }), 'stranger@example.com')
    const ofStranger = CreatedApiKey.parse((await stranger.succeed('POST', '/api/keys', { name: 'test' })).body).key
    for (const client of [gateway.client(ofProject), gateway.client(ofStranger)]) {
      await expect(ask(client, { previous_response_id: id })).rejects.toMatchObject({ ...isMissing, param: 'previous_response_id' })
      await expect(ask(client, { input: items.map(reference) })).rejects.toMatchObject({ ...isMissing, param: 'input' })
    }
    const guessed = (real: string) => real.replace(/.{4}$/, '0000')
    await expect(ask(openai, { previous_response_id: guessed(id) })).rejects.toMatchObject(isMissing)
    await expect(ask(openai, { input: items.map(item => reference(guessed(item))) })).rejects.toMatchObject(isMissing)
    const { key: another } = await gateway.createKey()
    await ask(gateway.client(another), { previous_response_id: id })
    expect(gateway.upstream.requests).toHaveLength(1)
  })

  test.each([false, true])('of its own in an answer from the cache, for whoever is given that (streamed: %s)', async (stream) => {
    const project = await gateway.api('POST', '/api/projects', { name: `Cached ${stream}` })
    const other = gateway.client((await gateway.createKey({ projectId: String(project.id) })).key)
    const body = { model: translated, input: `Cached, streamed: ${stream}` }
    const ask = async (client: OpenAI) => {
      const { data, response } = await client.responses.create({ ...body, stream }, { headers: { 'x-loom-cache': 'on' } }).withResponse()
      const answer = 'output' in data ? data : (await collect(data)).flatMap(event => event.type === 'response.completed' ? event.response : [])[0]
      return { isHit: response.headers.get('x-loom-cache') === 'hit', id: String(answer?.id), text: answer?.output_text, items: answer?.output.map(item => item.id ?? '') ?? [] }
    }
    gateway.upstream.respondWith({ text: 'Hello' })
    const first = await ask(openai)
    await until(async () => (await ask(openai)).isHit, { what: () => 'the answer to be cached' })
    const hit = await ask(other)
    expect(hit).toMatchObject({ isHit: true, text: first.text })
    expect([hit.id, ...hit.items]).not.toEqual(expect.arrayContaining([first.id]))
    for (const follow of [{ previous_response_id: hit.id, input: 'And?' }, { input: [user(body.input), ...hit.items.map(reference), user('And?')] }]) {
      gateway.upstream.reset()
      await other.responses.create({ model: translated, ...follow })
      expect((await gateway.upstream.received()).json).toMatchObject({ messages: [user(body.input), { role: 'assistant', content: 'Hello' }, user('And?')] })
    }
    // What another project was given stays its own.
    await expect(other.responses.create({ model: translated, input: 'And?', previous_response_id: first.id })).rejects.toMatchObject(isMissing)
  })

  test('that lead nowhere where an org keeps no bodies', async () => {
    await gateway.api('PATCH', '/api/orgs/current', { traceBodies: false })
    try {
      const refusal = await until(async () => {
        const { id } = await answered()
        return openai.responses.create({ model: translated, input: 'Hi', previous_response_id: id }).then(() => undefined, (error: unknown) => error)
      })
      expect(refusal).toMatchObject(isMissing)
      await expect(openai.responses.create({ model: translated, input: 'Hi', store: true })).rejects.toMatchObject({ status: 400, param: 'store' })
      expect(await openai.responses.create({ model: translated, input: 'Hi' })).toMatchObject({ store: false })
    } finally {
      await gateway.api('PATCH', '/api/orgs/current', { traceBodies: true })
    }
    await until(async () => {
      const { id } = await answered()
      return openai.responses.create({ model: translated, input: 'Hi', previous_response_id: id }).then(() => true, () => undefined)
    })
  })

  test('once each, and for no more than a body may have', async () => {
    const { items } = await answered()
    const refused = (body: OpenAI.Responses.ResponseCreateParamsNonStreaming) => expect(openai.responses.create(body)).rejects
    await refused({ model: translated, input: [...items, ...items].map(reference) }).toMatchObject({ status: 400, param: 'input', message: expect.stringContaining('twice') })
    const long = await openai.responses.create({ model: translated, input: Array.from({ length: 30_000 }, () => user('Hi')) })
    await refused({ model: translated, input: Array.from({ length: 5_000 }, () => user('Hi')), previous_response_id: long.id }).toMatchObject({ status: 400, message: expect.stringContaining('100,000 values') })
    const large = await openai.responses.create({ model: translated, input: 'word '.repeat(1_200_000) })
    await refused({ model: translated, input: 'word '.repeat(1_200_000), previous_response_id: large.id }).toMatchObject({ status: 413 })
  })

  test('of OpenAI\'s are left to OpenAI', async () => {
    await openai.responses.create({ model: native, input: [user('Hi'), reference('msg_68a1b2c3')] })
    expect((await gateway.upstream.received()).json.input).toEqual([user('Hi'), reference('msg_68a1b2c3')])
    await expect(openai.responses.create({ model: translated, input: [user('Hi'), reference('msg_68a1b2c3')] })).rejects.toMatchObject({ status: 400, param: 'input.1.id', message: expect.stringContaining('send the item itself') })
  })
})

describe('a bad request is refused in the OpenAI format', () => {
  test.each<[string, unknown]>([
    ['input that is a number', { model: native, input: 7 }],
    ['no model', { input: 'Hi' }],
    ['a negative limit', { model: native, input: 'Hi', max_output_tokens: -1 }],
    ['tools that are no list', { model: native, input: 'Hi', tools: {} }],
    ['no input, where it is translated', { model: 'plain/llama' }]
  ])('%s', async (_, body) => {
    const response = await fetch(`${gateway.loom.url}/v1/responses`, { method: 'POST', headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify(body) })
    expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 400, body: { error: { message: expect.any(String), code: 'invalid_request_error' } } })
    expect(gateway.upstream.requests).toHaveLength(0)
  })
})

test('an org that pays is refused tools that the provider bills by use, and dearer service tiers', async () => {
  await gateway.api('POST', `/api/platform/orgs/${gateway.orgId}/funds`, { amountUsd: '10', refId: 'responses' })
  await gateway.api('PATCH', `/api/platform/orgs/${gateway.orgId}/wallet`, { mode: 'prepaid' })
  const ask = (rest: Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming> = { tools: [{ type: 'web_search' }] }) => openai.responses.create({ model: native, input: 'Hi', ...rest }).then(() => undefined, (refusal: unknown) => refusal)
  // Every replica knows within a second that the org pays from now on.
  expect(await until(() => ask())).toMatchObject({ status: 422, code: 'model_without_price' })
  const answered = gateway.upstream.requests.length
  expect(await ask()).toMatchObject({ status: 422, code: 'model_without_price' })
  expect(await ask({ service_tier: 'priority' })).toMatchObject({ status: 422, code: 'model_without_price' })
  expect(gateway.upstream.requests).toHaveLength(answered)
  expect(await ask({ service_tier: 'flex' })).toBeUndefined()
})

async function collect<Event>(stream: AsyncIterable<Event>): Promise<Event[]> {
  const events: Event[] = []
  for await (const event of stream) events.push(event)
  return events
}
