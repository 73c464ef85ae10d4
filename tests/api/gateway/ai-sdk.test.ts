import { createAnthropic } from '@ai-sdk/anthropic'
import { createCohere } from '@ai-sdk/cohere'
import { createOpenAI } from '@ai-sdk/openai'
import { embed, embedMany, generateImage, generateSpeech, generateText, isStepCount, Output, rerank, streamText, tool, transcribe } from 'ai'
import type { LanguageModel, ModelMessage } from 'ai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { openGateway } from '../../support/open-gateway'

type Format = 'chat' | 'responses' | 'messages' | 'completions'

let gateway: GatewayUnderTest
let openai: ReturnType<typeof createOpenAI>
let cohere: ReturnType<typeof createCohere>
let modelOf: (format: Format, model: string) => LanguageModel

beforeAll(async () => {
  gateway = await openGateway()
  await gateway.api('POST', '/api/connections', { kind: 'anthropic', name: 'claude', baseUrl: gateway.upstream.url, secret: 'sk-claude' })
  await gateway.api('POST', '/api/connections', { kind: 'openai-compatible', name: 'own', baseUrl: gateway.upstream.baseUrl, secret: 'sk-own' })
  const options = { apiKey: (await gateway.createKey()).key, baseURL: `${gateway.loom.url}/v1` }
  openai = createOpenAI(options)
  cohere = createCohere(options)
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
    // A response says so twice, once in the words that Codex reads and once in those that OpenAI's SDK throws.
    expect(errors).toHaveLength(format === 'responses' ? 2 : 1)
  })
})

test.each(['whole', 'streamed'])('what a translated model thought and said is gone on from by the ids it was given (%s)', async (how) => {
  gateway.upstream.respondWith({ reasoning: 'Hm, Oslo.', text: 'Let me look.', toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }] })
  gateway.upstream.respondWith({ reasoning: 'Sun.', text: 'It is sunny.' })
  gateway.upstream.respondWith({ text: 'Welcome.' })
  const options = { model: modelOf('responses', 'claude-sonnet-4-5'), tools: { weather }, stopWhen: isStepCount(3), maxRetries: 0 }
  const ask = async (messages: ModelMessage[]) => {
    const { text, responseMessages } = how === 'whole' ? await generateText({ ...options, messages }) : streamText({ ...options, messages })
    return { text: await text, responseMessages: await responseMessages }
  }
  const question: ModelMessage = { role: 'user', content: 'Weather?' }
  const first = await ask([question])
  expect(first.text).toBe('It is sunny.')
  expect((await ask([question, ...first.responseMessages, { role: 'user', content: 'Thanks' }])).text).toBe('Welcome.')
  const turns = [
    { role: 'user', content: [{ text: 'Weather?' }] },
    { role: 'assistant', content: [{ type: 'text', text: 'Let me look.' }, { type: 'tool_use', name: 'weather', input: { city: 'Oslo' } }] },
    { role: 'user', content: [{ type: 'tool_result', content: expect.stringContaining('Sunny in Oslo') }] }
  ]
  expect(gateway.upstream.requests[1]?.json).toMatchObject({ messages: turns })
  expect(gateway.upstream.requests[2]?.json).toMatchObject({ messages: [...turns, { role: 'assistant', content: [{ text: 'It is sunny.' }] }, { role: 'user', content: [{ text: 'Thanks' }] }] })
})

test('completions stream too, over chat', async () => {
  gateway.upstream.respondWith({ text: 'a time', chunks: 2, usage })
  expect(await streamText({ model: modelOf('completions', 'gpt-4o-mini'), prompt: 'Once upon', maxRetries: 0 }).text).toBe('a time')
})

describe('the Vercel AI SDK beside text', () => {
  test('embeds a value, and many in their order', async () => {
    const model = openai.embedding('text-embedding-3-small')
    gateway.upstream.respondWith({ usage }, { times: 2 })
    const one = await embed({ model, value: 'Hello', maxRetries: 0 })
    expect(one).toMatchObject({ embedding: [5, 0, 0.5], usage: { tokens: 100 } })
    const many = await embedMany({ model, values: ['Hello', 'Hi'], maxRetries: 0 })
    expect(many).toMatchObject({ embeddings: [[5, 0, 0.5], [2, 1, 0.5]], usage: { tokens: 100 } })
  })

  test('generates pictures', async () => {
    gateway.upstream.respondWith({ text: 'a picture', usage })
    const { images } = await generateImage({ model: openai.image('gpt-image-1'), prompt: 'A cat', n: 2, maxRetries: 0 })
    expect(images.map(({ base64 }) => Buffer.from(base64, 'base64').toString())).toEqual(['a picture', 'a picture'])
  })

  test('generates speech', async () => {
    gateway.upstream.respondWith({ text: 'a sound' })
    const { audio } = await generateSpeech({ model: openai.speech('gpt-4o-mini-tts'), text: 'Hello', voice: 'alloy', maxRetries: 0 })
    expect(Buffer.from(audio.uint8Array).toString()).toBe('a sound')
    expect((await gateway.upstream.received()).json).toMatchObject({ model: 'gpt-4o-mini-tts', voice: 'alloy', input: 'Hello' })
  })

  test('transcribes', async () => {
    gateway.upstream.respondWith({ text: 'Hello there', usage })
    const { text } = await transcribe({ model: openai.transcription('gpt-4o-transcribe'), audio: new TextEncoder().encode('RIFF, or something like it'), maxRetries: 0 })
    expect(text).toBe('Hello there')
    expect((await gateway.upstream.received()).json).toMatchObject({ model: 'gpt-4o-transcribe', file: { bytes: 26 } })
  })

  test.each([
    ['words', ['a dog', 'a cat', 'a bird'], ['a dog', 'a cat', 'a bird']],
    ['objects', [{ name: 'dog' }, { name: 'cat' }, { name: 'bird' }], ['{"name":"dog"}', '{"name":"cat"}', '{"name":"bird"}']]
  ])('ranks %s, asked as Cohere is', async (_, documents: string[] | Record<string, string>[], sent) => {
    gateway.upstream.respondWith({ usage })
    const { ranking, rerankedDocuments } = await rerank<string | Record<string, string>>({ model: cohere.reranking('own/reranker'), query: 'Which barks?', documents, topN: 2, maxRetries: 0, providerOptions: { cohere: { maxTokensPerDoc: 1_000 } } })
    expect(ranking).toEqual([{ originalIndex: 0, score: 1, document: documents[0] }, { originalIndex: 1, score: 0.5, document: documents[1] }])
    expect(rerankedDocuments).toEqual(documents.slice(0, 2))
    expect(await gateway.upstream.received()).toMatchObject({ path: '/v1/rerank', json: { model: 'reranker', query: 'Which barks?', documents: sent, top_n: 2, max_tokens_per_doc: 1_000 } })
  })

  test.each([
    ['embeddings', () => embed({ model: openai.embedding('nobody/knows'), value: 'a', maxRetries: 0 })],
    ['pictures', () => generateImage({ model: openai.image('nobody/knows'), prompt: 'a', maxRetries: 0 })],
    ['speech', () => generateSpeech({ model: openai.speech('nobody/knows'), text: 'a', maxRetries: 0 })],
    ['a transcript', () => transcribe({ model: openai.transcription('nobody/knows'), audio: new Uint8Array([1]), maxRetries: 0 })],
    ['ranking', () => rerank({ model: cohere.reranking('nobody/knows'), query: 'a', documents: ['b'], maxRetries: 0 })]
  ])('hears why it gets no %s', async (_what, call) => {
    await expect(call()).rejects.toMatchObject({ statusCode: 404, message: expect.stringContaining('nobody/knows') })
  })
})
