import OpenAI from 'openai'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { MockUpstream } from '../support/mock-upstream'
import { startMockUpstream } from '../support/mock-upstream'
import { mockModel } from '../support/mock-upstream/behaviour'
import { until } from '../support/until'

let upstream: MockUpstream
let client: OpenAI

beforeEach(async () => {
  upstream = await startMockUpstream()
  client = new OpenAI({ baseURL: upstream.baseUrl, apiKey: 'secret', maxRetries: 0 })
})

afterEach(() => upstream.stop())

const messages = [{ role: 'user' as const, content: 'Hello' }]

test('the openai SDK reads an answer and its usage, and the mock keeps the request', async () => {
  const answer = await client.chat.completions.create({ model: mockModel({ text: 'Good day' }), messages })
  expect(answer.choices[0]?.message.content).toBe('Good day')
  expect(answer.usage?.total_tokens).toBe(30)
  expect(upstream.requests).toMatchObject([{ path: '/v1/chat/completions', headers: { authorization: 'Bearer secret' }, json: { messages } }])
  await until(() => upstream.requests[0]?.answered)
})

test('the openai SDK reads a stream with tool calls, and usage only when it asks', async () => {
  const model = mockModel({ toolCalls: [{ name: 'search', arguments: '{"q":"loom"}' }] })
  const stream = client.chat.completions.stream({ model, messages, stream_options: { include_usage: true } })
  const answer = await stream.finalChatCompletion()
  expect(answer.choices[0]?.message.tool_calls).toMatchObject([{ function: { name: 'search', arguments: '{"q":"loom"}' } }])
  expect(answer.usage?.completion_tokens).toBe(20)
  const silent = await client.chat.completions.stream({ model: 'mock', messages }).finalChatCompletion()
  expect(silent.usage).toBeUndefined()
})

test('queued behaviours answer the next requests in order, then the defaults answer again', async () => {
  upstream.respondWith({ status: 429, headers: { 'retry-after': '7' } })
  upstream.respondWith({ status: 500 })
  const ask = () => client.chat.completions.create({ model: 'mock', messages })
  await expect(ask()).rejects.toMatchObject({ status: 429 })
  await expect(ask()).rejects.toMatchObject({ status: 500 })
  expect((await ask()).object).toBe('chat.completion')
})

test('a caller who leaves in the middle of a stream is noticed', async () => {
  const stream = await client.chat.completions.create({ model: mockModel({ chunks: 100, chunkIntervalMs: 20 }), messages, stream: true })
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break
  await until(() => upstream.requests[0]?.callerGone)
})

test('half a stream ends in a reset, and a stream without its end closes cleanly', async () => {
  const read = async (model: string) => {
    const response = await fetch(`${upstream.baseUrl}/chat/completions`, { method: 'POST', body: JSON.stringify({ model, messages, stream: true }) })
    return await response.text()
  }
  await expect(read(mockModel({ fault: 'half' }))).rejects.toThrow()
  expect(await read(mockModel({ fault: 'no-end' }))).not.toContain('[DONE]')
})

test('messages in the format of Anthropic stream text, thinking and tool use, and tell usage', async () => {
  const ask = async (model: string) => {
    const response = await fetch(`${upstream.url}/v1/messages`, { method: 'POST', body: JSON.stringify({ model, messages, stream: true }) })
    return await response.text()
  }
  const text = await ask(mockModel({ reasoning: 'Hm', text: 'Good day', chunks: 2 }))
  expect(text.match(/^event: .*/gm)).toEqual(['message_start', 'ping', 'content_block_start', 'content_block_delta', 'content_block_delta', 'content_block_stop',
    'content_block_start', 'content_block_delta', 'content_block_delta', 'content_block_stop', 'message_delta', 'message_stop'].map(name => `event: ${name}`))
  expect(await ask(mockModel({ toolCalls: [{ name: 'search', arguments: '{}' }] }))).toContain('"partial_json":"{"')
})
