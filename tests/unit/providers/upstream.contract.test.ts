import { createServer } from 'node:http'
import { once } from 'node:events'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Connection } from '../../../server/gateway/providers/provider'
import { ask, connectionOf, ErrorObject, eventsIn, plainTransport, readChunks, readCompletion, textOf } from '../../support/provider-calls'
import { startMockUpstream } from '../../support/mock-upstream'
import { targetOf } from '../../support/operation-calls'
import type { MockUpstream } from '../../support/mock-upstream'
import { until } from '../../support/until'

/** How each kind that speaks HTTP is reached, and where it puts its credential. */
const kinds = [
  { kind: 'openai', baseUrl: (upstream: MockUpstream) => upstream.baseUrl, path: '/v1/chat/completions', credential: ['authorization', 'Bearer sk-secret-of-the-connection'], config: {} },
  { kind: 'openai-compatible', baseUrl: (upstream: MockUpstream) => `${upstream.baseUrl}/`, path: '/v1/chat/completions', credential: ['authorization', 'Bearer sk-secret-of-the-connection'], config: {} },
  { kind: 'azure', baseUrl: (upstream: MockUpstream) => upstream.url, path: '/openai/deployments/upstream-model/chat/completions?api-version=2024-10-21', credential: ['api-key', 'sk-secret-of-the-connection'], config: {} },
  { kind: 'anthropic', baseUrl: (upstream: MockUpstream) => upstream.url, path: '/v1/messages', credential: ['x-api-key', 'sk-secret-of-the-connection'], config: {} },
  { kind: 'google', baseUrl: (upstream: MockUpstream) => upstream.url, path: '/v1beta/models/upstream-model:generateContent', credential: ['x-goog-api-key', 'sk-secret-of-the-connection'], config: {} }
] as const

const messages = [{ role: 'user', content: 'Say something.' }]
const weather = { type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }
const time = { type: 'function', function: { name: 'get_time', parameters: { type: 'object', properties: {} } } }

let upstream: MockUpstream
beforeAll(async () => {
  upstream = await startMockUpstream()
})
afterAll(() => upstream.stop())
beforeEach(() => upstream.reset())

/** Those, and the one that answers by itself: it is told nothing, and says what it was asked. */
const everyKind = [...kinds, { kind: 'demo', baseUrl: () => null, config: { chunkDelayMs: 0 } }] as const
const greeting = 'Grüße, 世界 👋'

describe.each(everyKind)('$kind, as every kind,', ({ kind, baseUrl, config }) => {
  const isDemo = kind === 'demo'
  const asked = { model: isDemo ? 'demo' : 'upstream-model' }
  const usage = isDemo ? {} : { prompt_tokens: 10, completion_tokens: 20 }
  const greet = { messages: [{ role: 'user', content: greeting }] }
  let connection: Connection
  beforeAll(() => {
    connection = connectionOf(kind, { baseUrl: baseUrl(upstream), config })
  })

  test('answers a plain call with one chat.completion and its usage', async () => {
    upstream.respondWith({ text: greeting })
    const response = await ask(connection, greet, asked)
    expect(response.status).toBe(200)
    expect(response.headers['content-type']).toMatch(/^application\/json/)
    const answer = readCompletion(await textOf(response))
    expect(answer).toMatchObject({ content: isDemo ? expect.stringContaining(greeting) : greeting, finishReason: 'stop', usage })
    expect(answer.usage?.total_tokens).toBe(Number(answer.usage?.prompt_tokens) + Number(answer.usage?.completion_tokens))
    expect(answer.usage?.completion_tokens).toBeGreaterThan(0)
  })

  test('streams chunks, then the usage, then [DONE], though the caller did not ask for usage', async () => {
    upstream.respondWith({ text: `${greeting} und mehr`, chunks: 7 })
    const response = await ask(connection, { ...greet, stream: true }, asked)
    expect(response.headers['content-type']).toMatch(/^text\/event-stream/)
    const text = await textOf(response)
    const answer = readChunks(text)
    expect(answer).toMatchObject({ content: isDemo ? expect.stringContaining(greeting) : `${greeting} und mehr`, finishReason: 'stop', usage })
    expect(answer.usage?.completion_tokens).toBeGreaterThan(0)
    expect(JSON.parse(eventsIn(text).at(-2) ?? '')).toMatchObject({ choices: [] })
    expect(eventsIn(text).length).toBeGreaterThan(4)
  })

  test.each([true, false])('tells the tools the model calls (stream: %s)', async (stream) => {
    const toolCalls = [{ name: 'get_weather', arguments: '{"city":"Zürich"}' }, { name: 'get_time', arguments: '{}' }]
    upstream.respondWith({ toolCalls })
    const text = await textOf(await ask(connection, { messages: [{ role: 'user', content: 'get_weather in "Zürich", get_time' }], tools: [weather, time], tool_choice: 'required', stream }, asked))
    const answer = stream ? readChunks(text) : readCompletion(text)
    expect(answer.finishReason).toBe('tool_calls')
    expect(answer.toolCalls.map(({ name, arguments: json }) => ({ name, arguments: JSON.parse(json) }))).toEqual(toolCalls.map(call => ({ name: call.name, arguments: JSON.parse(call.arguments) })))
    expect(new Set(answer.toolCalls.map(call => call.id)).size).toBe(2)
  })

  test.each([true, false])('says that the answer was cut at max_tokens (stream: %s)', async (stream) => {
    upstream.respondWith({ finishReason: 'length' })
    const text = await textOf(await ask(connection, { ...greet, max_tokens: 3, stream }, asked))
    expect(stream ? readChunks(text) : readCompletion(text)).toMatchObject({ finishReason: 'length' })
  })

  test('leaves the call as it was given: another attempt sends the same', async () => {
    const body = { ...greet, tools: [weather], stream: true, max_tokens: 5 }
    const before = structuredClone(body)
    await textOf(await ask(connection, body, asked))
    expect(body).toEqual(before)
  })

  test.each(['abort', 'destroy'])('ends a stream at once when the caller leaves in its middle: %s', async (way) => {
    upstream.respondWith({ fault: 'stalls', chunks: 20 })
    const abort = new AbortController()
    const slow = isDemo ? { ...connection, config: { chunkDelayMs: 1_000 } } : connection
    const response = await ask(slow, { ...greet, stream: true }, { ...asked, signal: abort.signal })
    response.body.on('error', () => {})
    await once(response.body, 'readable')
    if (way === 'abort') abort.abort()
    else response.body.destroy()
    await until(() => response.body.closed)
    if (!isDemo) await until(() => upstream.requests[0]?.callerGone)
  })
})

describe.each(kinds)('$kind', ({ kind, baseUrl, path, credential, config }) => {
  let connection: Connection
  beforeAll(() => {
    connection = connectionOf(kind, { baseUrl: baseUrl(upstream), config })
  })

  test.each([true, false])('tells reasoning apart from the answer (stream: %s)', async (stream) => {
    upstream.respondWith({ reasoning: 'First I think.', text: 'Then I speak.' })
    const text = await textOf(await ask(connection, { messages, stream }))
    expect(stream ? readChunks(text) : readCompletion(text)).toMatchObject({ reasoning: 'First I think.', content: 'Then I speak.' })
  })

  test.each([true, false])('counts cached tokens within the prompt (stream: %s)', async (stream) => {
    upstream.respondWith({ usage: { inputTokens: 100, outputTokens: 7, cachedInputTokens: 60 } })
    const text = await textOf(await ask(connection, { messages, stream }))
    const { usage } = stream ? readChunks(text) : readCompletion(text)
    expect(usage).toMatchObject({ prompt_tokens: 100, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 60 } })
  })

  test.each([true, false])('tells no usage rather than a wrong one when the upstream tells none (stream: %s)', async (stream) => {
    upstream.respondWith({ usage: false, text: 'free?' })
    const text = await textOf(await ask(connection, { messages, stream }))
    const answer = stream ? readChunks(text) : readCompletion(text)
    expect(answer).toMatchObject({ content: 'free?', usage: undefined })
  })

  test.each([['length', 'length'], ['content_filter', 'content_filter']] as const)('says why the model stopped: %s', async (finishReason, expected) => {
    upstream.respondWith({ finishReason })
    expect(readCompletion(await textOf(await ask(connection, { messages })))).toMatchObject({ finishReason: expected })
  })

  test('sends its credential, its own few headers and nothing else', async () => {
    await textOf(await ask(connection, { messages }))
    const { headers, path: asked } = await upstream.received()
    expect(asked).toBe(path)
    expect(headers[credential[0]]).toBe(credential[1])
    const allowed = ['host', 'connection', 'content-length', 'content-type', 'accept', 'accept-encoding', 'user-agent', 'anthropic-version', credential[0]]
    expect(Object.keys(headers).filter(name => !allowed.includes(name))).toEqual([])
    expect(headers['accept-encoding']).toBe('identity')
  })

  test.each([401, 403])('replaces a %s, whose words quote the key, by a message of its own', async (status) => {
    upstream.respondWith({ status, errorBody: JSON.stringify({ error: { message: 'Incorrect API key provided: sk-secr******tion', type: 'x', code: 'invalid_api_key' } }) })
    const response = await ask(connection, { messages })
    const text = await textOf(response)
    expect(response.status).toBe(status)
    expect(ErrorObject.parse(JSON.parse(text)).error).toMatchObject({ code: 'connection_refused_credential', message: expect.stringContaining(`test-${kind}`) })
    expect(text).not.toMatch(/sk-/)
  })

  test('keeps status, message and retry-after of a 429, without keys or account names', async () => {
    upstream.respondWith({ status: 429, headers: { 'retry-after': '7' }, errorBody: JSON.stringify({ error: { message: 'Rate limit reached in organization org-abcdef123456 with sk-secret-of-the-connection', type: 'requests' } }) })
    const response = await ask(connection, { messages, stream: true })
    expect(response).toMatchObject({ status: 429, headers: { 'retry-after': '7', 'content-type': 'application/json' } })
    const { message } = ErrorObject.parse(JSON.parse(await textOf(response))).error
    expect(message).toBe('Rate limit reached in organization [redacted] with [redacted]')
  })

  test('keeps what is told beside the words of a refusal, without keys, and no deeper than anybody writes', async () => {
    const deep = (levels: number): object => levels === 0 ? {} : { in: deep(levels - 1) }
    const refuse = async (innererror: unknown) => {
      upstream.respondWith({ status: 400, errorBody: JSON.stringify({ error: { message: 'Filtered', innererror } }) })
      return ErrorObject.parse(JSON.parse(await textOf(await ask(connection, { messages })))).error
    }
    const inner = { code: 'ResponsibleAIPolicyViolation', content_filter_result: { hate: { filtered: true, severity: 'high' }, lists: [{ id: 'sk-secret-of-the-connection' }] } }
    expect(await refuse(inner)).toMatchObject({ innererror: { ...inner, content_filter_result: { hate: { filtered: true, severity: 'high' }, lists: [{ id: '[redacted]' }] } } })
    expect(await refuse(deep(1_000))).toMatchObject({ message: 'Filtered', innererror: deep(1) })
    for (const none of ['Filtered', null, { text: 'long '.repeat(2_000) }]) expect(await refuse(none)).not.toHaveProperty('innererror')
  })

  test.each([
    ['the dialect\'s own object', undefined, 'The mock answers 500.'],
    ['a web page', '<html>Bad gateway</html>', 'The provider answered with status 500 and no explanation.'],
    ['a flat object', '{"object":"error","message":"Out of memory","code":50}', 'Out of memory'],
    ['a string', '{"error":"model not loaded"}', 'model not loaded'],
    ['nothing', '', 'The provider answered with status 500 and no explanation.']
  ])('makes an OpenAI error object of a 500 that is %s', async (_name, errorBody, message) => {
    upstream.respondWith({ status: 500, ...(errorBody !== undefined && { errorBody }) })
    const response = await ask(connection, { messages })
    expect(response.status).toBe(500)
    expect(ErrorObject.parse(JSON.parse(await textOf(response))).error.message).toBe(message)
  })

  test('passes a failure in the middle of a stream on as an error event, and ends without [DONE]', async () => {
    upstream.respondWith({ fault: 'error-event' })
    const events = eventsIn(await textOf(await ask(connection, { messages, stream: true })))
    expect(ErrorObject.parse(JSON.parse(events.at(-1) ?? '')).error.message).not.toBe('')
    expect(events).not.toContain('[DONE]')
  })

  test.each([true, false])('fails the body when the upstream breaks off half way (stream: %s)', async (stream) => {
    upstream.respondWith({ fault: 'half', chunks: 20 })
    await expect(ask(connection, { messages, stream }).then(textOf)).rejects.toThrow()
  })

  test('closes the upstream at once when the caller aborts before the answer', async () => {
    upstream.respondWith({ fault: 'never-answers' })
    const abort = new AbortController()
    const asked = ask(connection, { messages, stream: true }, { signal: abort.signal })
    const received = await upstream.received()
    abort.abort(new Error('the caller left'))
    await expect(asked).rejects.toThrow()
    await until(() => received.callerGone)
  })

  test('never follows a redirect', async () => {
    upstream.respondWith({ status: 307, headers: { location: `${upstream.url}/elsewhere` } })
    await expect(ask(connection, { messages })).rejects.toMatchObject({ code: 'upstream_error', message: expect.stringContaining('redirect') })
    expect(upstream.requests).toHaveLength(1)
  })

  test.each([
    ['a web page', { 'content-type': 'text/html' }],
    ['a compressed body', { 'content-encoding': 'gzip' }],
    ['JSON in place of a stream', { 'content-type': 'application/json' }]
  ])('refuses %s as an answer', async (_name, headers) => {
    upstream.respondWith({ headers })
    await expect(ask(connection, { messages, stream: true })).rejects.toMatchObject({ code: 'upstream_error' })
  })

  test.each(['ftp://127.0.0.1', 'http://user:pass@127.0.0.1', 'not a url'])('refuses the base URL %s before anything is sent', async (url) => {
    await expect(async () => ask({ ...connection, baseUrl: url }, { messages })).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

const translated = ['anthropic', 'google'] as const

describe.each(kinds.filter(({ kind }) => !translated.some(other => other === kind)))('$kind passes through', ({ kind, baseUrl, config }) => {
  test('the caller\'s body, but for the model and the request for usage', async () => {
    const body = { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } }] }], model: 'alias', stream: true, stream_options: { include_usage: false, other: 1 }, unknown_field: { deep: [1] } }
    await textOf(await ask(connectionOf(kind, { baseUrl: baseUrl(upstream), config }), body))
    expect((await upstream.received()).json).toEqual({ ...body, model: 'upstream-model', stream_options: { include_usage: true, other: 1 } })
  })

  test('every byte of the answer, whatever it is', async () => {
    const bytes = Buffer.from('data: {"not":"ours",  "spaced": true}\r\n\r\n: comment\n\ndata: [DONE]\n\n')
    const server = createServer((_request, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(bytes)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    expect(await textOf(await ask(connectionOf(kind, { baseUrl: `http://127.0.0.1:${port}`, config }), { messages, stream: true }))).toBe(bytes.toString())
    server.close()
  })
})

describe.each(translated)('%s, whose answers are read here', (kind) => {
  const connection = () => connectionOf(kind, { baseUrl: upstream.url })

  test('refuses a 200 that is no answer', async () => {
    upstream.respondWith({ fault: 'garbage' })
    await expect(ask(connection(), { messages })).rejects.toMatchObject({ code: 'upstream_error' })
  })

  test.each(['garbage', 'no-end'] as const)('ends a stream of %s with an error event', async (fault) => {
    upstream.respondWith({ fault })
    const events = eventsIn(await textOf(await ask(connection(), { messages, stream: true })))
    expect(ErrorObject.parse(JSON.parse(events.at(-1) ?? '')).error.type).toBe('upstream_error')
  })

  test('reads bytes that are no UTF-8 as replacement characters, and goes on', async () => {
    upstream.respondWith({ fault: 'invalid-utf8' })
    expect(readChunks(await textOf(await ask(connection(), { messages, stream: true }))).content).toContain('\uFFFD')
  })

  test('counts reasoning within the answer', async () => {
    upstream.respondWith({ usage: { inputTokens: 10, outputTokens: 50, reasoningTokens: 30 } })
    const { usage } = readChunks(await textOf(await ask(connection(), { messages, stream: true })))
    expect(usage).toMatchObject({ completion_tokens: 50 })
  })
})

describe('anthropic', () => {
  const anthropic = () => connectionOf('anthropic', { baseUrl: upstream.url })

  test('counts cache writes within the prompt, and tells them apart', async () => {
    upstream.respondWith({ usage: { inputTokens: 100, outputTokens: 7, cachedInputTokens: 60, cacheWriteTokens: 30 } })
    const { usage } = readChunks(await textOf(await ask(anthropic(), { messages, stream: true })))
    expect(usage).toMatchObject({ prompt_tokens: 100, prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 30 } })
  })

  test.each([false, true])('never shows a call that the limit cut off as one that is whole (streamed: %s)', async (stream) => {
    upstream.respondWith({ toolCalls: [{ name: 'get_time', arguments: '{}' }, { name: 'get_weather', arguments: '{"city":"Os' }], finishReason: 'length' })
    const text = await textOf(await ask(anthropic(), { messages, stream }))
    const { toolCalls, finishReason } = stream ? readChunks(text) : readCompletion(text)
    expect(finishReason).toBe('length')
    expect(toolCalls.map(call => call.arguments)).toEqual(stream ? ['{}', '{"city":"Os'] : ['{}'])
  })

  test('finds the API under a base URL with /v1 too', async () => {
    await textOf(await ask({ ...anthropic(), baseUrl: `${upstream.url}/v1/` }, { messages }))
    expect(await upstream.received()).toMatchObject({ path: '/v1/messages', headers: { 'anthropic-version': '2023-06-01' } })
  })
})

test('azure calls the v1 API when told to, naming the deployment in the body', async () => {
  await textOf(await ask(connectionOf('azure', { baseUrl: `${upstream.url}/`, config: { apiVersion: 'v1' } }), { messages }))
  expect(await upstream.received()).toMatchObject({ path: '/openai/v1/chat/completions', json: { model: 'upstream-model' } })
})

test('azure is asked for no usage of a stream that reads from data of one\'s own, where it refuses that', async () => {
  const body = { messages, stream: true, data_sources: [{ type: 'azure_search', parameters: {} }] }
  await textOf(await ask(connectionOf('azure', { baseUrl: upstream.url }), body))
  expect((await upstream.received()).json).toEqual({ ...body, model: 'upstream-model' })
})

test('azure reads no data of one\'s own over a connection that all organisations share: its identity is the platform\'s', async () => {
  const shared = connectionOf('azure', { baseUrl: upstream.url, isShared: true })
  const search = { type: 'azure_search', parameters: { authentication: { type: 'system_assigned_managed_identity' } } }
  await expect(ask(shared, { messages, data_sources: [search] })).rejects.toMatchObject({ code: 'invalid_request', param: 'data_sources' })
  expect(upstream.requests).toHaveLength(0)
  await textOf(await ask(shared, { messages, data_sources: null }))
})

test.each<[string, object, string]>([
  ['fallbacks', { fallbacks: ['claude-opus-4-6'], mock_testing_fallbacks: true }, 'fallbacks'],
  ['fallbacks that are one at a time', { context_window_fallbacks: [{ m: ['n'] }] }, 'context_window_fallbacks'],
  ['others', { content_policy_fallbacks: [{ m: ['n'] }] }, 'content_policy_fallbacks'],
  ['a failure on purpose', { mock_testing_context_fallbacks: true }, 'mock_testing_context_fallbacks'],
  ['models of a proxy\'s own', { user_config: { model_list: [] } }, 'user_config'],
  ['models of a gateway\'s own', { providerOptions: { gateway: { models: ['anthropic/claude-opus-4.6'] } } }, 'providerOptions']
])('openai-compatible lets no server put a call to another model: %s', async (_, fields, param) => {
  const { provider, connection } = targetOf('openai-compatible', 'm')
  const at = { ...connection, baseUrl: upstream.baseUrl }
  for (const call of [provider.chatCompletions, provider.native?.('completions', at, 'm'), provider.native?.('embeddings', at, 'm')]) {
    await expect(call?.(at, { body: { messages, ...fields }, upstreamModel: 'm', stream: false }, plainTransport, new AbortController().signal)).rejects.toMatchObject({ code: 'invalid_request', param, message: expect.stringContaining('"models"') })
  }
  expect(upstream.requests).toHaveLength(0)
  await textOf(await ask(at, { messages, fallbacks: null, providerOptions: { anthropic: {}, gateway: { order: ['a'] } } }))
})

test('openai-compatible leaves stream_options out for servers that refuse them', async () => {
  await textOf(await ask(connectionOf('openai-compatible', { baseUrl: upstream.baseUrl, config: { streamUsage: false } }), { messages, stream: true }))
  expect((await upstream.received()).json).not.toHaveProperty('stream_options')
})
