import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { model, openGateway, upstreamSecret } from '../../support/open-gateway'
import { until } from '../../support/until'

let gateway: GatewayUnderTest
let key: string
let openai: OpenAI

beforeAll(async () => {
  gateway = await openGateway()
  key = (await gateway.createKey()).key
  openai = gateway.client(key)
})
beforeEach(() => gateway.upstream.reset())
afterAll(() => gateway.remove())

const messages = [{ role: 'user' as const, content: 'Say hello' }]

describe('the official SDK', () => {
  test('gets a whole answer with its exact cost, trace id and where it came from', async () => {
    gateway.upstream.respondWith({ text: 'Hello there', usage: { inputTokens: 1_000, outputTokens: 100, cachedInputTokens: 400 } })
    const { data, response } = await openai.chat.completions.create({ model, messages }).withResponse()
    expect(data.choices[0]?.message.content).toBe('Hello there')
    expect(response.headers.get('x-loom-provider')).toBe('openai')
    expect(response.headers.get('x-loom-attempts')).toBe('1')
    // 600 × $0.15/M + 400 × $0.075/M + 100 × $0.60/M
    expect(response.headers.get('x-loom-cost-usd')).toBe('0.00018')
    const trace = await traceOf(response.headers.get('x-request-id'))
    expect(trace).toMatchObject({ model, provider: 'openai', status_code: 200, input_tokens: 1_000, output_tokens: 100, cached_input_tokens: 400, cost_usd: '0.00018', is_stream: false })
    expect(await chargeOf(response.headers.get('x-request-id'))).toMatchObject({
      capturedNanoUsd: '180000', usageSource: 'provider', rawUsage: { prompt_tokens: 1_000, completion_tokens: 100 },
      price: { source: expect.stringMatching(/^catalog:/) }
    })
  })

  test('gets a stream, and neither usage chunk nor change when it asked for none', async () => {
    gateway.upstream.respondWith({ text: 'One two three four', chunks: 4 })
    const stream = await openai.chat.completions.create({ model, messages, stream: true })
    const chunks = await collect(stream)
    expect(textOf(chunks)).toBe('One two three four')
    expect(chunks.every(chunk => chunk.choices.length > 0)).toBe(true)
    expect(gateway.upstream.requests[0]?.json.stream_options).toEqual({ include_usage: true })
  })

  test('gets the usage chunk with the cost when it asked for it', async () => {
    gateway.upstream.respondWith({ text: 'Hi', usage: { inputTokens: 2_000, outputTokens: 1_000 } })
    const chunks = await collect(await openai.chat.completions.create({ model, messages, stream: true, stream_options: { include_usage: true } }))
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 2_000, completion_tokens: 1_000, cost: 0.0009 } })
  })

  test('gets our count with the cost where the provider tells no usage', async () => {
    gateway.upstream.respondWith({ text: 'The quick brown fox jumps over the lazy dog', usage: false })
    const chunks = await collect(await openai.chat.completions.create({ model, messages, stream: true, stream_options: { include_usage: true } }))
    expect(textOf(chunks)).toBe('The quick brown fox jumps over the lazy dog')
    expect(chunks.at(-1)).toMatchObject({ object: 'chat.completion.chunk', model, choices: [], usage: { completion_tokens: 9, cost: expect.any(Number) } })
    expect(Object(chunks.at(-1)?.usage).cost).toBeGreaterThan(0)
  })

  test('gets tool calls, whole and streamed', async () => {
    const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: { type: 'object', properties: {} } } }]
    const behaviour = { toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }] }
    gateway.upstream.respondWith(behaviour, { times: 2 })
    const whole = await openai.chat.completions.create({ model, messages, tools })
    expect(whole.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { name: 'weather', arguments: '{"city":"Oslo"}' } })
    const final = await openai.chat.completions.stream({ model, messages, tools }).finalMessage()
    expect(final.tool_calls?.[0]).toMatchObject({ function: { name: 'weather', arguments: '{"city":"Oslo"}' } })
  })

  test('aborts: the upstream is closed at once, and what was delivered is charged as partial', async () => {
    gateway.upstream.respondWith({ text: 'word '.repeat(400), chunks: 400, chunkIntervalMs: 20 })
    const abort = new AbortController()
    const stream = await openai.chat.completions.create({ model, messages, stream: true }, { signal: abort.signal })
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break
    abort.abort()
    const request = await gateway.upstream.received()
    await until(() => request.callerGone, { what: () => 'the upstream to lose its caller' })
    const trace = await until(async () => (await listTraces()).find(row => row.error_type === 'caller_gone'), { what: () => 'the trace of the aborted call' })
    expect(trace).toMatchObject({ status_code: 499 })
    expect(Number(trace.output_tokens)).toBeGreaterThan(0)
    expect(Number(trace.output_tokens)).toBeLessThan(300)
    expect(Number(trace.cost_usd)).toBeGreaterThan(0)
    expect(await gateway.api('GET', `/api/traces/${trace.id}`)).toMatchObject({ charge: { usageSource: 'partial' } })
  })

  test('retries a refusal that says to, by its own rules', async () => {
    const patient = new OpenAI({ apiKey: key, baseURL: `${gateway.loom.url}/v1`, maxRetries: 1 })
    gateway.upstream.respondWith({ status: 503 }, { times: 2 })
    gateway.upstream.respondWith({ text: 'At last' })
    const answer = await patient.chat.completions.create({ model, messages })
    expect(answer.choices[0]?.message.content).toBe('At last')
    expect(gateway.upstream.requests).toHaveLength(3)
  })

  test('throws its own error classes', async () => {
    await expect(gateway.client('loom_sk_wrong').chat.completions.create({ model, messages })).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
    await expect(openai.chat.completions.create({ model: 'no-such-model', messages })).rejects.toBeInstanceOf(OpenAI.NotFoundError)
    gateway.upstream.respondWith({ status: 429, headers: { 'retry-after': '30' } })
    await expect(openai.chat.completions.create({ model, messages })).rejects.toBeInstanceOf(OpenAI.RateLimitError)
    gateway.upstream.respondWith({ text: 'Half of an answer', chunks: 8, fault: 'half' })
    await expect(openai.chat.completions.create({ model, messages, stream: true }).then(collect)).rejects.toBeInstanceOf(OpenAI.APIError)
  })
})

test('unknown fields reach the upstream, and its credential is the connection\'s', async () => {
  await gateway.post(key, JSON.stringify({ model, messages, brand_new_field: { deep: [1, 2] }, temperature: 0 }), { 'x-secret-of-caller': 'no' })
  const request = await gateway.upstream.received()
  expect(request.json).toMatchObject({ brand_new_field: { deep: [1, 2] }, temperature: 0 })
  expect(request.headers.authorization).toBe(`Bearer ${upstreamSecret}`)
  expect(request.headers['x-secret-of-caller']).toBeUndefined()
})

test('an upstream that tells no usage is counted, and marked as estimated', async () => {
  for (const stream of [false, true]) {
    gateway.upstream.respondWith({ text: 'The quick brown fox jumps over the lazy dog', usage: false })
    const response = await gateway.post(key, JSON.stringify({ model, messages, stream }))
    await response.text()
    expect(await traceOf(response.headers.get('x-request-id'))).toMatchObject({ output_tokens: 9, status_code: 200 })
    expect(await chargeOf(response.headers.get('x-request-id'))).toMatchObject({ usageSource: 'estimated', price: { source: expect.stringMatching(/^catalog:/) } })
  }
})

describe.each(['reasoning_content', 'reasoning'] as const)('what a model thought, in its field %s,', (reasoningField) => {
  const reasoning = 'The quick brown fox jumps over the lazy dog'

  test.each([false, true])('is counted where no usage is told, and kept (streamed: %s)', async (stream) => {
    gateway.upstream.respondWith({ reasoning, reasoningField, text: 'Hi', usage: false })
    const response = await gateway.post(key, JSON.stringify({ model, messages, stream }))
    await response.text()
    const { body } = await getTrace(key, `${response.headers.get('x-request-id')}?include=bodies`)
    expect(body).toMatchObject({ output_tokens: 10 })
    expect(String(body.response_body)).toContain(reasoning)
  })

  test('is charged though the stream breaks off before the answer', async () => {
    gateway.upstream.respondWith({ reasoning, reasoningField, text: '', usage: false, fault: 'half' })
    const response = await gateway.post(key, JSON.stringify({ model, messages, stream: true }))
    expect(await response.text()).toContain(reasoning)
    const trace = await traceOf(response.headers.get('x-request-id'))
    expect(trace).toMatchObject({ error_type: 'upstream_error', output_tokens: 9 })
    expect(Number(trace.cost_usd)).toBeGreaterThan(0)
  })
})

describe('what a provider tells of the prompt before it answers', () => {
  const usage = { inputTokens: 10_000, outputTokens: 50, cachedInputTokens: 9_000, cacheWriteTokens: 600 }

  beforeAll(async () => {
    await gateway.api('POST', '/api/connections', { kind: 'anthropic', name: 'claude', baseUrl: gateway.upstream.url, secret: 'sk-claude' })
    await gateway.api('POST', '/api/connections', { kind: 'google', name: 'gemini', baseUrl: gateway.upstream.url, secret: 'sk-gemini' })
  })

  test.each([['claude-sonnet-4-5', 600], ['gemini-2.5-flash', 0]])('is charged should the answer break off, at its own prices, and is not for the caller: %s', async (model, cacheWriteTokens) => {
    gateway.upstream.respondWith({ text: 'word '.repeat(40), chunks: 10, usage: { ...usage, cacheWriteTokens }, fault: 'half' })
    const response = await gateway.post(key, JSON.stringify({ model, messages, stream: true, stream_options: { include_usage: true } }))
    const text = await response.text()
    expect(text).toContain('word')
    expect(text).not.toContain('prompt_tokens')
    expect(await gateway.api('GET', `/api/traces/${response.headers.get('x-request-id')}`)).toMatchObject({ charge: { usageSource: 'partial' } })
    const trace = await traceOf(response.headers.get('x-request-id'))
    expect(trace).toMatchObject({ error_type: 'upstream_error', input_tokens: 10_000, ...(cacheWriteTokens > 0 && { cached_input_tokens: 9_000 }) })
    expect(Number(trace.output_tokens)).toBeGreaterThan(0)
    // Sonnet 4.5: 400 × $3/M + 9,000 × $0.30/M + 600 × $3.75/M, and fewer than a hundred tokens of the answer.
    if (cacheWriteTokens > 0) expect(Number(trace.cost_usd) - Number(trace.output_tokens) * 0.000015).toBeCloseTo(0.00615, 8)
  })

  test.each(['half', 'error-event'] as const)('and of thoughts that it does not show is charged should Gemini\'s answer break off: %s', async (fault) => {
    gateway.upstream.respondWith({ text: 'word '.repeat(40), chunks: 10, usage: { inputTokens: 10, outputTokens: 8_050, reasoningTokens: 8_000 }, fault })
    const response = await gateway.post(key, JSON.stringify({ model: 'gemini-2.5-flash', messages, stream: true }))
    const text = await response.text()
    expect(text).toContain('word')
    expect(text).not.toContain('tokens')
    expect(await traceOf(response.headers.get('x-request-id'))).toMatchObject({ input_tokens: 10, output_tokens: 8_000 })
  })

  test('is charged should the caller leave', async () => {
    gateway.upstream.respondWith({ text: 'word '.repeat(400), chunks: 400, chunkIntervalMs: 20, usage })
    const abort = new AbortController()
    const { data: stream, response } = await openai.chat.completions.create({ model: 'claude-sonnet-4-5', messages, stream: true }, { signal: abort.signal }).withResponse()
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break
    abort.abort()
    const trace = await until(async () => (await listTraces()).find(row => row.id === response.headers.get('x-request-id')), { what: () => 'the trace of the aborted call' })
    expect(trace).toMatchObject({ error_type: 'caller_gone', input_tokens: 10_000, cached_input_tokens: 9_000 })
  })
})

test.each<[string, object]>([
  ['modalities.1', { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'mp3' } }], ['audio', { audio: { voice: 'alloy', format: 'mp3' } }], ['web_search_options', { web_search_options: {} }],
  ['plugins', { plugins: [{ id: 'web' }] }], ['search_parameters', { search_parameters: { mode: 'auto' } }], ['enable_search', { enable_search: true }]
])('what Claude cannot do is refused, and not left out: %s', async (param, rest) => {
  await gateway.api('POST', '/api/connections', { kind: 'anthropic', name: `claude-${param}`, baseUrl: gateway.upstream.url, secret: 'sk-claude' })
  const response = await gateway.post(key, JSON.stringify({ model: `claude-${param}/claude-sonnet-4-5`, messages, ...rest }))
  expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 400, body: { error: { param, message: expect.stringContaining('this provider') } } })
  expect(gateway.upstream.requests).toHaveLength(0)
})

test('a refusal that OpenAI gave is read by Claude as what it is, the model\'s words', async () => {
  await gateway.api('POST', '/api/connections', { kind: 'anthropic', name: 'claude-refusals', baseUrl: gateway.upstream.url, secret: 'sk-claude' })
  await openai.chat.completions.create({
    model: 'claude-refusals/claude-sonnet-4-5',
    messages: [...messages, { role: 'assistant', content: null, refusal: 'I cannot.' }, { role: 'user', content: 'Why?' }, { role: 'assistant', content: [{ type: 'refusal', refusal: 'I will not.' }] }, ...messages]
  })
  expect((await gateway.upstream.received()).json.messages).toMatchObject([
    { role: 'user' }, { role: 'assistant', content: [{ type: 'text', text: 'I cannot.' }] }, { role: 'user' }, { role: 'assistant', content: [{ type: 'text', text: 'I will not.' }] }, { role: 'user' }
  ])
})

test('bodies are kept encrypted and read back by who may', async () => {
  gateway.upstream.respondWith({ text: 'A secret answer' })
  const response = await gateway.post(key, JSON.stringify({ model, messages, stream: true }))
  await response.text()
  const id = response.headers.get('x-request-id')
  const withBodies = await getTrace(key, `${id}?include=bodies`)
  expect(String(withBodies.body.request_body)).toContain('Say hello')
  expect(String(withBodies.body.response_body)).toContain('A secret answer')
  const { key: traceKey } = await gateway.createKey({ scopes: ['traces'] })
  expect(await getTrace(traceKey, `${id}?include=bodies`)).toMatchObject({ status: 403, body: { error: { code: 'insufficient_scope' } } })
  expect((await getTrace(traceKey, String(id))).body.request_body).toBeNull()
})

test('pages of traces follow each other without gap or repeat', async () => {
  for (let call = 0; call < 5; call++) await openai.chat.completions.create({ model, messages })
  const all = (await listTraces('limit=200')).map(row => row.id)
  const paged: unknown[] = []
  let cursor = ''
  do {
    const page = await getJson(key, `/v1/traces?limit=2${cursor}`)
    paged.push(...rows(page).map(row => row.id))
    cursor = page.next_cursor ? `&cursor=${String(page.next_cursor)}` : ''
  } while (cursor)
  expect(paged).toEqual(all)
  expect(await getJson(key, '/v1/traces?cursor=forged')).toMatchObject({ error: { code: 'invalid_request_error' } })
})

test.each([
  ['/v1/traces?modle=gpt-4o', 'modle'], ['/v1/traces?apiKeyId=x', 'apiKeyId'], ['/v1/usage?groupBy=model', 'groupBy'], ['/v1/transactions?refId=x', 'refId'], ['/v1/analytics/summary?timeZone=UTC', 'timeZone'],
  ['/v1/analytics/timeseries?groupBy=model', 'groupBy'], ['/v1/statements/2026-01?from=2026-01-01', 'from']
])('a filter that there is none of is refused by its name, for without it everything would pass: %s', async (path, param) => {
  expect(await getJson(key, path)).toEqual({ error: { message: `There is no parameter "${param}" here.`, type: 'invalid_request_error', param, code: 'invalid_request_error' } })
})

test('the browser\'s own lists ignore what they do not know, statements as others', async () => {
  for (const path of ['/api/transactions', '/api/statements/2026-01']) expect(await gateway.api('GET', `${path}?modle=gpt-4o`)).not.toHaveProperty('error')
})

test('usage adds up by day, model, key and project', async () => {
  const { key: own, id } = await gateway.createKey()
  gateway.upstream.respondWith({ usage: { inputTokens: 100, outputTokens: 50 } }, { times: 2 })
  await gateway.client(own).chat.completions.create({ model, messages })
  await gateway.client(own).chat.completions.create({ model, messages })
  const byKey = await getJson(own, '/v1/usage?group_by=key')
  expect(rows(byKey).find(row => row.group === id)).toMatchObject({ calls: 2, input_tokens: 200, output_tokens: 100, cost_usd: '0.00009' })
  expect(rows(await getJson(own, '/v1/usage?group_by=day'))[0]?.group).toBe(new Date().toISOString().slice(0, 10))
})

test('usage by model and by project tells each its own, and a key of a project its project alone', async () => {
  const projects = await Promise.all(['Apollo', 'Gemini'].map(async name => String((await gateway.api('POST', '/api/projects', { name })).id)))
  const [apollo = '', gemini = ''] = projects
  const { key: ofApollo } = await gateway.createKey({ projectId: apollo })
  const { key: ofGemini } = await gateway.createKey({ projectId: gemini })
  const call = (withKey: string, name: string, inputTokens: number) => {
    gateway.upstream.respondWith({ usage: { inputTokens, outputTokens: 10 } })
    return gateway.client(withKey).chat.completions.create({ model: name, messages })
  }
  await call(ofApollo, 'gpt-4.1', 100)
  await call(ofApollo, 'gpt-4.1', 200)
  await call(ofApollo, 'gpt-4.1-mini', 400)
  await call(ofGemini, 'gpt-4.1-mini', 800)
  const groups = async (withKey: string, by: string) => Object.fromEntries(rows(await getJson(withKey, `/v1/usage?group_by=${by}`)).map(({ group, ...figures }) => [String(group), figures]))
  // $2 and $8, $0.40 and $1.60 per million.
  expect(await groups(key, 'model')).toMatchObject({
    'gpt-4.1': { calls: 2, input_tokens: 300, output_tokens: 20, cost_usd: '0.00076' },
    'gpt-4.1-mini': { calls: 2, input_tokens: 1_200, output_tokens: 20, cost_usd: '0.000512' }
  })
  expect(await groups(key, 'project')).toMatchObject({
    [apollo]: { calls: 3, input_tokens: 700, cost_usd: '0.000936' },
    [gemini]: { calls: 1, input_tokens: 800, cost_usd: '0.000336' }
  })
  expect(Object.keys(await groups(ofGemini, 'project'))).toEqual([gemini])
  expect(await groups(ofGemini, 'model')).toEqual({ 'gpt-4.1-mini': expect.objectContaining({ calls: 1, input_tokens: 800 }) })
})

async function collect<Chunk>(stream: AsyncIterable<Chunk>): Promise<Chunk[]> {
  const chunks: Chunk[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

function textOf(chunks: OpenAI.ChatCompletionChunk[]): string {
  return chunks.map(chunk => chunk.choices[0]?.delta.content ?? '').join('')
}

/** What the ledger says of it, as the dashboard shows it. */
async function chargeOf(id: string | null): Promise<unknown> {
  return (await gateway.api('GET', `/api/traces/${id}`)).charge
}

async function getTrace(withKey: string, path: string): Promise<{ status: number, body: Record<string, unknown> }> {
  const response = await fetch(`${gateway.loom.url}/v1/traces/${path}`, { headers: { authorization: `Bearer ${withKey}` } })
  return { status: response.status, body: await response.json() }
}

async function traceOf(id: string | null): Promise<Record<string, unknown>> {
  return (await getTrace(key, String(id))).body
}

async function getJson(withKey: string, path: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${gateway.loom.url}${path}`, { headers: { authorization: `Bearer ${withKey}` } })
  return await response.json()
}

async function listTraces(query = ''): Promise<Record<string, unknown>[]> {
  return rows(await getJson(key, `/v1/traces?${query}`))
}

function rows(list: Record<string, unknown>): Record<string, unknown>[] {
  if (!Array.isArray(list.data)) throw new Error(`no list: ${JSON.stringify(list)}`)
  return list.data
}
