import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { OperationName } from '../../../server/gateway/operations/operation-name'
import { demo } from '../../../server/gateway/providers/demo'
import { toTokens } from '../../../server/gateway/providers/demo-answer'
import { ask, connectionOf, plainTransport, readChunks, readCompletion, textOf } from '../../support/provider-calls'
import type { Answer } from '../../support/provider-calls'

const quick = connectionOf('demo', { secret: null, config: { chunkDelayMs: 0 } })
const user = (content: unknown) => ({ messages: [{ role: 'user', content }] })
const weather = { type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' }, unit: { enum: ['celsius', 'kelvin'] }, days: { type: 'integer' } }, required: ['city', 'unit', 'days'] } } }

async function answer(body: Record<string, unknown>, model = 'demo'): Promise<Answer> {
  const text = await textOf(await ask(quick, body, { model }))
  return body.stream ? readChunks(text) : readCompletion(text)
}

test('says what it is, in markdown with headings, code and a table that reflect the prompt', async () => {
  const { content, finishReason } = await answer(user('Why is the sky blue?'))
  expect(content).toContain('demo model')
  expect(content).toMatch(/^## You said: Why is the sky blue\?$/m)
  expect(content).toMatch(/^```ts\nconst prompt = "Why is the sky blue\?"$/m)
  expect(content).toMatch(/^\| Words \| 5 \|$/m)
  expect(finishReason).toBe('stop')
})

test.each(['demo', 'demo-reasoning'])('%s streams exactly what it answers whole, with the same usage', async (model) => {
  const whole = await answer(user('Same? ```fence``` | pipe'), model)
  expect(await answer({ ...user('Same? ```fence``` | pipe'), stream: true }, model)).toEqual(whole)
  expect(whole.reasoning !== '').toBe(model === 'demo-reasoning')
  expect(whole.usage?.completion_tokens).toBe(toTokens(whole.reasoning).length + toTokens(whole.content).length)
})

test.each([true, false])('stays within max_tokens and says so (stream: %s)', async (stream) => {
  const { finishReason, usage, content } = await answer({ ...user('Hello'), max_tokens: 7, stream })
  expect({ finishReason, tokens: usage?.completion_tokens }).toEqual({ finishReason: 'length', tokens: 7 })
  expect(content).not.toBe('')
})

test('stops before a stop sequence', async () => {
  const { content } = await answer({ ...user('Hello'), stop: ['nowhere', '### '] })
  expect(content).not.toContain('###')
  expect(content).toContain('## You said: Hello')
})

describe('tools', () => {
  test.each([true, false])('are called when the prompt names them, with arguments that fit their schema (stream: %s)', async (stream) => {
    const { toolCalls, finishReason, content } = await answer({ ...user('Please get weather for "Bern", 3 days'), tools: [weather], stream })
    expect(toolCalls.map(call => [call.name, JSON.parse(call.arguments)])).toEqual([['get_weather', { city: 'Bern', unit: 'celsius', days: 3 }]])
    expect({ finishReason, content }).toEqual({ finishReason: 'tool_calls', content: '' })
  })

  test('are called when tool_choice demands it, and only then without being named', async () => {
    expect((await answer({ ...user('Hi'), tools: [weather] })).toolCalls).toEqual([])
    expect((await answer({ ...user('Hi'), tools: [weather], tool_choice: 'required' })).toolCalls).toHaveLength(1)
    expect((await answer({ ...user('Hi'), tools: [weather], tool_choice: { type: 'function', function: { name: 'get_weather' } } })).toolCalls).toHaveLength(1)
    expect((await answer({ ...user('get_weather!'), tools: [weather], tool_choice: 'none' })).toolCalls).toEqual([])
  })

  test('give the answer their results', async () => {
    const { content, toolCalls } = await answer({ tools: [weather], tool_choice: 'required', messages: [
      { role: 'user', content: 'get_weather' },
      { role: 'assistant', content: null, tool_calls: [{ id: 'a', type: 'function', function: { name: 'get_weather', arguments: '{}' } }] },
      { role: 'tool', tool_call_id: 'a', content: 'sunny, 21°' }
    ] })
    expect(content).toContain('### get_weather')
    expect(content).toContain('sunny, 21°')
    expect(toolCalls).toEqual([])
  })
})

test('answers by schema when JSON is asked for', async () => {
  const { content } = await answer({ ...user('I want 4 apples'), response_format: { type: 'json_schema', json_schema: { name: 'order', schema: { type: 'object', properties: { count: { type: 'integer' }, fruit: { enum: ['apple'] } } } } } })
  expect(JSON.parse(content)).toEqual({ count: 4, fruit: 'apple' })
})

test('reads as much of a long prompt as it needs, in no more time than others can wait', async () => {
  const words = `for the herons ${'a '.repeat(50_000)}`
  const schema = { type: 'object', properties: Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`p${n}`, { type: 'string' }])) }
  const { content } = await answer({ ...user(words), response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } })
  expect(JSON.parse(content)).toMatchObject({ p0: expect.stringMatching(/^the herons/), p19: expect.stringMatching(/^the herons/) })
})

test('refuses more text than it reads before it counts it', async () => {
  for (const text of ['a '.repeat(1_000_000), 'a '.repeat(250_000)]) await expect(answer(user(text))).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('200,000 tokens') })
})

test.each<[OperationName, object]>([
  ['embeddings', { input: 'a '.repeat(60_000) }], ['embeddings', { input: ['a', 'b', 'c'].concat(Array.from({ length: 500 }, () => 'd')), dimensions: 4_096 }],
  ['moderations', { input: 'a '.repeat(60_000) }], ['rerank', { query: 'a', documents: ['b '.repeat(60_000)] }]
])('refuses %s of more than it can make in a moment', async (operation, body) => {
  await expect(demo.native?.(operation, quick, 'demo')?.(quick, { body: { model: 'demo', ...body }, upstreamModel: 'demo', stream: false }, plainTransport, new AbortController().signal)).rejects.toMatchObject({ code: 'invalid_request' })
})

test('admits that it cannot see an image', async () => {
  const { content } = await answer(user([{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }]))
  expect(content).toContain('You attached 1 image; I cannot see.')
})

test('counts tokens without losing a character', () => {
  const text = 'a  b\n\n\tÜber-größe 👩‍👩‍👧 日本語 {"x":[1,2]} \u{1F600}'
  expect(toTokens(text).join('')).toBe(text)
})

test('stops streaming at once when the caller aborts', async () => {
  const slow = connectionOf('demo', { config: demo.Config.parse({ chunkDelayMs: 1_000 }) })
  const abort = new AbortController()
  const { body } = await ask(slow, { ...user('Hi'), stream: true }, { signal: abort.signal, model: 'demo' })
  await once(body, 'readable')
  abort.abort()
  const [error] = await once(body, 'error')
  expect(error).toMatchObject({ name: 'AbortError' })
})
