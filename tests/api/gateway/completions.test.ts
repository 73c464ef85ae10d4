import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { openGateway } from '../../support/open-gateway'
import { readTrace } from '../../support/read-trace'

let gateway: GatewayUnderTest
let key: string
let openai: OpenAI

beforeAll(async () => {
  gateway = await openGateway()
  await gateway.api('POST', '/api/connections', { kind: 'openai-compatible', name: 'plain', baseUrl: gateway.upstream.baseUrl, secret: 'sk-plain' })
  key = (await gateway.createKey()).key
  openai = gateway.client(key)
})
beforeEach(() => gateway.upstream.reset())
afterAll(() => gateway.remove())

const usage = { inputTokens: 1_000, outputTokens: 100, cachedInputTokens: 400 }

describe.each([['natively', 'plain/llama', '/v1/completions'], ['over chat completions', 'gpt-4o-mini', '/v1/chat/completions']])('the official SDK, answered %s', (_, model, path) => {
  test('gets a whole completion with its usage', async () => {
    gateway.upstream.respondWith({ text: ' a time', usage })
    const { data, response } = await openai.completions.create({ model, prompt: 'Once upon', max_tokens: 100 }).withResponse()
    expect(data).toMatchObject({ object: 'text_completion', choices: [{ index: 0, text: ' a time', finish_reason: 'stop' }], usage: { prompt_tokens: 1_000, completion_tokens: 100 } })
    expect((await gateway.upstream.received()).path).toBe(path)
    expect(await readTrace(gateway, key, response.headers.get('x-request-id'))).toMatchObject({ endpoint: 'completions', input_tokens: 1_000, output_tokens: 100, is_stream: false })
  })

  test('gets a stream, and its usage with the cost when it asked for it', async () => {
    gateway.upstream.respondWith({ text: 'One two three four', chunks: 4, usage }, { times: 2 })
    const chunks = await collect(await openai.completions.create({ model, prompt: 'Count', stream: true, stream_options: { include_usage: true } }))
    expect(chunks.map(chunk => chunk.choices[0]?.text ?? '').join('')).toBe('One two three four')
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 1_000, completion_tokens: 100, cost: expect.any(Number) } })
    const silent = await collect(await openai.completions.create({ model, prompt: 'Count', stream: true }))
    expect(silent.every(chunk => chunk.choices.length > 0)).toBe(true)
    expect(silent.at(-1)?.choices[0]?.finish_reason).toBe('stop')
  })

  test('gets our count with the cost of a stream whose provider tells no usage', async () => {
    gateway.upstream.respondWith({ text: 'The quick brown fox jumps over the lazy dog', usage: false })
    const chunks = await collect(await openai.completions.create({ model, prompt: 'Go on', stream: true, stream_options: { include_usage: true } }))
    expect(chunks.at(-1)).toMatchObject({ object: 'text_completion', choices: [], usage: { completion_tokens: 9, cost: expect.any(Number) } })
  })

  test.each(['half', 'error-event'] as const)('throws when a stream fails: %s', async (fault) => {
    gateway.upstream.respondWith({ text: 'word '.repeat(40), chunks: 10, fault })
    await expect(openai.completions.create({ model, prompt: 'Hi', stream: true }).then(collect)).rejects.toBeInstanceOf(OpenAI.APIError)
  })

  test('gets our count when the provider tells none', async () => {
    gateway.upstream.respondWith({ text: 'The quick brown fox jumps over the lazy dog', usage: false })
    const { response } = await openai.completions.create({ model, prompt: 'Hi' }).withResponse()
    expect(await readTrace(gateway, key, response.headers.get('x-request-id'))).toMatchObject({ output_tokens: 9 })
  })
})

test('a model that only chats writes no more than the format\'s own default, and says what it cannot do', async () => {
  await openai.completions.create({ model: 'gpt-4o-mini', prompt: ['Hi'], temperature: 0 })
  expect((await gateway.upstream.received()).json).toMatchObject({ max_completion_tokens: 16, temperature: 0, messages: [{ role: 'user', content: 'Hi' }] })
  for (const [param, rest] of Object.entries({ prompt: { prompt: ['a', 'b'] }, echo: { echo: true }, best_of: { best_of: 3 }, logprobs: { logprobs: 5 }, suffix: { suffix: 'end' }, plugins: { plugins: [{ id: 'web' }] } })) {
    await expect(openai.completions.create({ model: 'gpt-4o-mini', prompt: 'Hi', ...rest })).rejects.toMatchObject({ status: 400, param: expect.stringContaining(param) })
  }
  expect(gateway.upstream.requests).toHaveLength(1)
})

test('several prompts, and tokens, pass to a server that takes them', async () => {
  const prompts: OpenAI.CompletionCreateParamsNonStreaming['prompt'][] = [['a', 'b'], [1, 2, 3], [[1, 2], [3]]]
  for (const prompt of prompts) await openai.completions.create({ model: 'plain/llama', prompt })
  expect(gateway.upstream.requests.map(({ json }) => json.prompt)).toEqual([['a', 'b'], [1, 2, 3], [[1, 2], [3]]])
})

test.each([{}, { prompt: 7 }, { prompt: [] }, { prompt: 'Hi', n: 0 }, { prompt: 'Hi', max_tokens: -1 }])('the body %j is refused', async (body) => {
  const response = await fetch(`${gateway.loom.url}/v1/completions`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: JSON.stringify({ model: 'plain/llama', ...body }) })
  expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 400, body: { error: { code: 'invalid_request_error' } } })
})

async function collect<Chunk>(stream: AsyncIterable<Chunk>): Promise<Chunk[]> {
  const chunks: Chunk[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}
