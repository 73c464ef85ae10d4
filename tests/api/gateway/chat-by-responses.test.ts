import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { openGateway } from '../../support/open-gateway'
import { readTrace } from '../../support/read-trace'

/** OpenAI answers it by the Responses API alone. */
const model = 'mock/gpt-5.3-codex'
/** OpenAI lets it reason beside tools by the Responses API alone. */
const thinker = 'azure/thinker'
const parameters = { type: 'object' as const, properties: { path: { type: 'string' } }, required: ['path'] }
const tool = { type: 'function' as const, function: { name: 'read_file', description: 'Reads a file', parameters, strict: true } }

let gateway: GatewayUnderTest
let key: string

beforeAll(async () => {
  gateway = await openGateway()
  await gateway.api('POST', '/api/connections', { kind: 'azure', name: 'azure', baseUrl: gateway.upstream.url, secret: 'azure-secret', config: { apiVersion: 'v1', deployments: { thinker: 'gpt-5.4' } } })
  key = (await gateway.createKey()).key
})
beforeEach(() => gateway.upstream.reset())
afterAll(() => gateway.remove())

describe('a chat with a model that OpenAI serves by responses alone', () => {
  test('is asked there, nothing of it kept, and answered, charged and traced as a chat', async () => {
    gateway.upstream.respondWith({ text: 'Loom', usage: { inputTokens: 40, cachedInputTokens: 30, outputTokens: 20, reasoningTokens: 5 } })
    const { data, response } = await gateway.client(key).chat.completions.create({
      model,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'text', text: 'Look' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }] },
        { role: 'assistant', content: 'I will look.', tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'read_file', arguments: '{"path":"a"}' } }] },
        { role: 'tool', tool_call_id: 'call_1', content: 'Loom' }
      ],
      tools: [tool],
      tool_choice: { type: 'function', function: { name: 'read_file' } },
      parallel_tool_calls: false,
      max_completion_tokens: 500,
      reasoning_effort: 'high',
      verbosity: 'low',
      temperature: 0.5,
      prompt_cache_key: 'cache-1',
      response_format: { type: 'json_schema', json_schema: { name: 'reply', schema: { type: 'object' }, strict: true } }
    }).withResponse()
    expect(data).toMatchObject({
      object: 'chat.completion', model: 'gpt-5.3-codex', choices: [{ finish_reason: 'stop', message: { role: 'assistant', content: 'Loom', refusal: null } }],
      usage: { prompt_tokens: 40, completion_tokens: 20, total_tokens: 60, prompt_tokens_details: { cached_tokens: 30 }, completion_tokens_details: { reasoning_tokens: 5 } }
    })
    const { path, json } = await gateway.upstream.received()
    expect(path).toBe('/v1/responses')
    expect(json).toEqual({
      model: 'gpt-5.3-codex',
      input: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'input_text', text: 'Look' }, { type: 'input_image', image_url: 'data:image/png;base64,iVBORw0KGgo=', detail: 'auto' }] },
        { role: 'assistant', content: 'I will look.' },
        { type: 'function_call', call_id: 'call_1', name: 'read_file', arguments: '{"path":"a"}' },
        { type: 'function_call_output', call_id: 'call_1', output: 'Loom' }
      ],
      tools: [{ type: 'function', name: 'read_file', description: 'Reads a file', parameters, strict: true }],
      tool_choice: { type: 'function', name: 'read_file' },
      parallel_tool_calls: false,
      max_output_tokens: 500,
      reasoning: { effort: 'high' },
      text: { format: { type: 'json_schema', name: 'reply', schema: { type: 'object' }, strict: true }, verbosity: 'low' },
      prompt_cache_key: 'cache-1',
      store: false,
      stream: false
    })
    // $1.75, $0.175 cached and $14 per million tokens.
    expect(await readTrace(gateway, key, response.headers.get('x-request-id'))).toMatchObject({ endpoint: 'chat.completions', status_code: 200, input_tokens: 40, output_tokens: 20, cost_usd: '0.00030275' })
  })

  test('streams words, calls of tools and usage', async () => {
    gateway.upstream.respondWith({ text: 'one two three' })
    const words = []
    let usage
    for await (const chunk of await gateway.client(key).chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }], stream: true, stream_options: { include_usage: true } })) {
      words.push(...chunk.choices.map(({ delta }) => delta.content ?? ''))
      usage = chunk.usage ?? usage
    }
    expect(words.join('')).toBe('one two three')
    expect(words.length).toBeGreaterThan(2)
    expect(usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 20 })

    gateway.upstream.respondWith({ toolCalls: [{ name: 'read_file', arguments: '{"path":"a"}' }, { name: 'read_file', arguments: '{"path":"b"}' }] })
    const runner = gateway.client(key).chat.completions.stream({ model, messages: [{ role: 'user', content: 'Hi' }], tools: [tool] })
    expect(await runner.finalChatCompletion()).toMatchObject({ choices: [{ finish_reason: 'tool_calls', message: { tool_calls: [
      { id: 'call_mock_0', function: { name: 'read_file', arguments: '{"path":"a"}' } }, { id: 'call_mock_1', function: { name: 'read_file', arguments: '{"path":"b"}' } }
    ] } }] })
  })

  test('tells why it was cut, and what its provider refuses or fails with', async () => {
    const ask = (stream: boolean) => gateway.client(key).chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }], stream })
    gateway.upstream.respondWith({ finishReason: 'length' })
    expect(await ask(false)).toMatchObject({ choices: [{ finish_reason: 'length' }] })
    gateway.upstream.respondWith({ status: 400 })
    await expect(ask(false)).rejects.toMatchObject({ status: 400 })
    // Nothing was said before: another attempt is made.
    gateway.upstream.respondWith({ fault: 'error-first' })
    gateway.upstream.respondWith({ text: 'Loom' })
    expect(await (await gateway.post(key, JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }], stream: true }))).text()).toContain('"content":"L"')
    gateway.upstream.respondWith({ fault: 'garbage' }, { times: 2 })
    await expect(ask(false)).rejects.toMatchObject({ status: 502 })
    gateway.upstream.respondWith({ fault: 'error-event' })
    const broken = await gateway.post(key, JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }], stream: true }))
    const events = await broken.text()
    expect(events).toContain('The mock failed mid-stream.')
    expect(events).not.toContain('[DONE]')
    expect(await readTrace(gateway, key, broken.headers.get('x-request-id'))).toMatchObject({ error_type: 'upstream_error', cost_usd: expect.stringMatching(/^0\.0*[1-9]/) })
  })

  test('is refused what has no counterpart there', async () => {
    const ask = (rest: object) => gateway.post(key, JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }], ...rest }))
    for (const [rest, param] of [[{ stop: ['.'] }, 'stop'], [{ n: 2 }, 'n'], [{ logprobs: true }, 'logprobs']] as const) {
      const refused = await ask(rest)
      expect({ status: refused.status, body: await refused.json() }, param).toMatchObject({ status: 400, body: { error: { param } } })
    }
    expect(gateway.upstream.requests).toEqual([])
  })
})

describe('a message to a model that reasons beside tools by responses alone', () => {
  const ask = (rest: object) => new Anthropic({ apiKey: key, baseURL: gateway.loom.url, maxRetries: 0 }).messages.create({
    model: thinker, max_tokens: 2_048, messages: [{ role: 'user', content: 'Hi' }], tools: [{ name: 'read_file', input_schema: parameters }], ...rest, stream: false
  })

  test('reasons there, if it is to', async () => {
    gateway.upstream.respondWith({ toolCalls: [{ name: 'read_file', arguments: '{"path":"a"}' }] })
    expect(await ask({ thinking: { type: 'enabled', budget_tokens: 1_024 }, temperature: 1 })).toMatchObject({ stop_reason: 'tool_use', content: [{ type: 'tool_use', name: 'read_file', input: { path: 'a' } }] })
    const { path, json } = await gateway.upstream.received()
    expect(path).toBe('/openai/v1/responses')
    expect(json).toMatchObject({ reasoning: { effort: 'low' }, max_output_tokens: 2_048, tools: [{ type: 'function', name: 'read_file' }] })
    expect(json).not.toHaveProperty('temperature')
  })

  test.each([
    ['nobody asks it to', {}, 'none'],
    ['it has no tools', { thinking: { type: 'enabled', budget_tokens: 1_024 }, tools: [] }, 'low'],
    ['its limit is too low for responses', { thinking: { type: 'enabled', budget_tokens: 1_024 }, max_tokens: 10 }, 'none'],
    ['it is to stop at a text', { thinking: { type: 'enabled', budget_tokens: 1_024 }, stop_sequences: ['.'] }, 'none']
  ])('is asked as a chat where %s', async (_, rest, effort) => {
    await ask(rest)
    const { path, json } = await gateway.upstream.received()
    expect(path).toBe('/openai/v1/chat/completions')
    expect(json).toMatchObject({ reasoning_effort: effort })
  })
})

test('a chat with functions and an effort passes as it came at another server of the kind', async () => {
  const asked = { model: 'mock/gpt-5.4', messages: [{ role: 'user', content: 'Hi' }], tools: [tool], reasoning_effort: 'low', own: 7 }
  expect((await gateway.post(key, JSON.stringify(asked))).status).toBe(200)
  expect(await gateway.upstream.received()).toMatchObject({ path: '/v1/chat/completions', json: { ...asked, model: 'gpt-5.4' } })
})

test('an Azure connection too old for responses says so', async () => {
  await gateway.api('POST', '/api/connections', { kind: 'azure', name: 'old', baseUrl: gateway.upstream.url, secret: 'azure-secret', config: { apiVersion: '2024-10-21', deployments: { coder: 'gpt-5.3-codex' } } })
  const refused = await gateway.post(key, JSON.stringify({ model: 'old/coder', messages: [{ role: 'user', content: 'Hi' }] }))
  expect({ status: refused.status, body: await refused.json() }).toMatchObject({ status: 400, body: { error: { message: expect.stringContaining('2025-03-01-preview') } } })
})
