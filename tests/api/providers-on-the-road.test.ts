import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { startMockUpstream } from '../support/mock-upstream'
import type { MockUpstream } from '../support/mock-upstream'
import type { LoomServer } from '../support/loom-server'
import { setUpLoom } from '../support/set-up-loom'
import { startLoom } from '../support/start-loom'

let upstream: MockUpstream
let loom: LoomServer
let client: OpenAI

beforeAll(async () => {
  upstream = await startMockUpstream()
  loom = await startLoom({ env: {
    NEW_ORG_WALLET: 'unlimited',
    OPENAI_API_KEY: 'sk-platform-openai', OPENAI_BASE_URL: upstream.baseUrl,
    ANTHROPIC_API_KEY: 'sk-platform-anthropic', ANTHROPIC_BASE_URL: upstream.url,
    GEMINI_API_KEY: 'sk-platform-google', GEMINI_BASE_URL: upstream.url,
    OLLAMA_BASE_URL: upstream.url,
    AZURE_OPENAI_API_KEY: 'platform-azure', AZURE_OPENAI_ENDPOINT: upstream.url, AZURE_OPENAI_DEPLOYMENTS: 'prod=gpt-4o'
  } })
  const session = await setUpLoom(loom)
  const created = await fetch(`${loom.url}/api/keys`, {
    method: 'POST',
    headers: { ...session, 'origin': loom.url, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'road', scopes: ['inference'] })
  })
  const { key } = z.object({ key: z.string() }).parse(await created.json())
  client = new OpenAI({ apiKey: key, baseURL: `${loom.url}/v1`, maxRetries: 0 })
})
afterAll(async () => {
  await loom?.remove()
  await upstream?.stop()
})
beforeEach(() => upstream.reset())

const messages = [{ role: 'user' as const, content: 'Hello' }]

describe.each([
  ['openai', 'gpt-4o-mini'],
  ['anthropic', 'claude-sonnet-4-5'],
  ['google', 'gemini-2.5-flash'],
  ['azure', 'prod'],
  ['openai-compatible', 'ollama/llama3']
])('%s answers the official SDK through the road', (_kind, model) => {
  test('whole', async () => {
    upstream.respondWith({ text: 'Grüße, 世界' })
    const completion = await client.chat.completions.create({ model, messages })
    expect(completion.choices[0]?.message.content).toBe('Grüße, 世界')
    expect(completion.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 20 })
  })

  test('streamed, tools and usage included', async () => {
    upstream.respondWith({ toolCalls: [{ name: 'look', arguments: '{"at":"sky"}' }] })
    const runner = client.chat.completions.stream({
      model, messages, stream_options: { include_usage: true },
      tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: { at: { type: 'string' } } } } }]
    })
    const completion = await runner.finalChatCompletion()
    expect(completion.choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { tool_calls: [{ function: { name: 'look', arguments: '{"at":"sky"}' } }] } })
    expect(completion.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 20 })
  })

  test('with a refused credential as a 502 that names no key', async () => {
    upstream.respondWith({ status: 401 })
    await expect(client.chat.completions.create({ model, messages })).rejects.toMatchObject({ status: 502, message: expect.not.stringMatching(/sk-|platform-/) })
  })
})

test('a request that Claude cannot express is a 400 that says why, and rests no connection', async () => {
  for (let times = 0; times < 20; times++) {
    await expect(client.chat.completions.create({ model: 'claude-sonnet-4-5', messages, n: 2 })).rejects.toMatchObject({ status: 400, param: 'n' })
  }
  expect(await client.chat.completions.create({ model: 'claude-sonnet-4-5', messages })).toMatchObject({ object: 'chat.completion' })
})

test('the demo model answers, streams and calls tools with no key at all', async () => {
  const tools = [{ type: 'function' as const, function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } }]
  const first = await client.chat.completions.stream({ model: 'demo', tools, messages: [{ role: 'user', content: 'get weather in Bern' }] }).finalChatCompletion()
  const call = first.choices[0]?.message.tool_calls?.[0]
  expect(call).toMatchObject({ function: { name: 'get_weather', arguments: '{"city":"Bern"}' } })
  const second = await client.chat.completions.create({ model: 'demo', tools, messages: [
    { role: 'user', content: 'get weather in Bern' },
    { role: 'assistant', content: null, tool_calls: first.choices[0]?.message.tool_calls },
    { role: 'tool', tool_call_id: call?.id ?? '', content: 'snow' }
  ] })
  expect(second.choices[0]?.message.content).toContain('snow')
})
