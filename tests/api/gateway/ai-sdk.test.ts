import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { generateText, isStepCount, Output, streamText, tool } from 'ai'
import type { LanguageModel } from 'ai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { openGateway } from '../../support/open-gateway'

type Format = 'chat' | 'responses' | 'messages' | 'completions'

let gateway: GatewayUnderTest
let modelOf: (format: Format, model: string) => LanguageModel

beforeAll(async () => {
  gateway = await openGateway()
  await gateway.api('POST', '/api/connections', { kind: 'anthropic', name: 'claude', baseUrl: gateway.upstream.url, secret: 'sk-claude' })
  const options = { apiKey: (await gateway.createKey()).key, baseURL: `${gateway.loom.url}/v1` }
  const openai = createOpenAI(options)
  const anthropic = createAnthropic(options)
  const makers = { chat: openai.chat, responses: openai.responses, messages: anthropic, completions: openai.completion }
  modelOf = (format, model) => makers[format](model)
})
beforeEach(() => gateway.upstream.reset())
afterAll(() => gateway.remove())

const usage = { inputTokens: 100, outputTokens: 20, cachedInputTokens: 40 }
const weather = tool({ description: 'Tells the weather', inputSchema: z.object({ city: z.string() }), execute: ({ city }) => `Sunny in ${city}` })

/** Each format, passed on natively and translated. */
const cases = (['chat', 'responses', 'messages'] as const).flatMap(format => ['gpt-4o-mini', 'claude-sonnet-4-5'].map((name): [Format, string] => [format, name]))

describe.each(cases)('the Vercel AI SDK on %s with %s', (format, name) => {
  test('generates text, and tells its usage', async () => {
    gateway.upstream.respondWith({ text: 'Hello there', usage })
    const { text, usage: counted, finishReason } = await generateText({ model: modelOf(format, name), prompt: 'Say hello', maxRetries: 0 })
    expect({ text, finishReason }).toEqual({ text: 'Hello there', finishReason: 'stop' })
    expect(counted).toMatchObject({ inputTokens: 100, outputTokens: 20, inputTokenDetails: { cacheReadTokens: 40 } })
  })

  test('streams text, and tells its usage', async () => {
    gateway.upstream.respondWith({ text: 'One two three', chunks: 3, usage })
    const result = streamText({ model: modelOf(format, name), prompt: 'Count', maxRetries: 0 })
    const pieces: string[] = []
    for await (const piece of result.textStream) pieces.push(piece)
    expect(pieces.join('')).toBe('One two three')
    expect(pieces.length).toBeGreaterThan(1)
    expect(await result.usage).toMatchObject({ inputTokens: 100, outputTokens: 20 })
  })

  test.each(['whole', 'streamed'])('calls a tool and goes on with its result (%s)', async (how) => {
    gateway.upstream.respondWith({ toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }] })
    gateway.upstream.respondWith({ text: 'It is sunny.' })
    const options = { model: modelOf(format, name), prompt: 'Weather?', tools: { weather }, stopWhen: isStepCount(3), maxRetries: 0 }
    const text = how === 'whole' ? (await generateText(options)).text : await streamText(options).text
    expect(text).toBe('It is sunny.')
    expect(JSON.stringify(gateway.upstream.requests[1]?.json)).toContain('Sunny in Oslo')
  })

  test('gets an object by its schema', async () => {
    gateway.upstream.respondWith({ text: '{"city":"Oslo"}' })
    const { output } = await generateText({ model: modelOf(format, name), prompt: 'Where?', output: Output.object({ schema: z.object({ city: z.string() }) }), maxRetries: 0 })
    expect(output).toEqual({ city: 'Oslo' })
  })

  test('hears of a failure in mid-stream', async () => {
    gateway.upstream.respondWith({ text: 'word '.repeat(40), chunks: 10, fault: 'half' })
    const errors: unknown[] = []
    const result = streamText({ model: modelOf(format, name), prompt: 'Hi', maxRetries: 0, onError: ({ error }) => void errors.push(error) })
    await result.consumeStream()
    expect(errors).toHaveLength(1)
  })
})

test('completions stream too, over chat', async () => {
  gateway.upstream.respondWith({ text: 'a time', chunks: 2, usage })
  expect(await streamText({ model: modelOf('completions', 'gpt-4o-mini'), prompt: 'Once upon', maxRetries: 0 }).text).toBe('a time')
})
