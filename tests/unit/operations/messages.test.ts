import { describe, expect, test } from 'vitest'
import type { Target } from '../../../server/catalog/target'
import { boundCost } from '../../../server/gateway/estimate-cost'
import { fitToFunds } from '../../../server/gateway/fit-to-funds'
import { toAnthropicBody } from '../../../server/gateway/operations/anthropic-body'
import { messages } from '../../../server/gateway/operations/messages'
import { findUnpriced, MessagesBody } from '../../../server/gateway/operations/messages-body'
import { fitsStrictMode } from '../../../server/gateway/operations/strict-schema'
import { MessageUsage, toChatUsage } from '../../../server/gateway/providers/anthropic-usage'
import { redactFailure, ToldFailure } from '../../../server/gateway/providers/upstream-failure'
import { readUsage } from '../../../server/gateway/usage'
import { attempt, chatStream, chatTarget, lookAt, nativeTarget, parseCall, tapOf, tapStream, targetOf } from '../../support/operation-calls'
import { connectionOf, eventsIn } from '../../support/provider-calls'

const hello = { model: 'm', max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }] }
const call = (index: number, rest: object) => ({ tool_calls: [{ index, ...rest }] })
const parse = (text: string) => eventsIn(text).map((data): Record<string, unknown> => JSON.parse(data))

/** What a model that only chats is asked for a Messages request. */
async function askedFor(rest: object, options: Parameters<typeof chatTarget>[1] = {}): Promise<Record<string, unknown>> {
  const { target, asked } = chatTarget(JSON.stringify({ choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] }), options)
  await attempt(parseCall(messages, { ...hello, ...rest }), target)
  return asked[0] ?? {}
}

test('the name of a user is one that providers take: Claude Code sends two hundred characters of JSON', async () => {
  const told = (id: string) => ({ metadata: { user_id: id } })
  const long = JSON.stringify({ device_id: 'a'.repeat(64), account_uuid: 'b'.repeat(36), session_id: 'c'.repeat(36) })
  const { user } = await askedFor(told(long))
  expect(user).toMatch(/^[0-9a-f]{64}$/)
  expect((await askedFor(told(`${long} `))).user).not.toBe(user)
  expect((await askedFor(told('user@example.com'))).user).toBe('user@example.com')
  const native = (id: string, baseUrl: string | null) => toAnthropicBody(Buffer.from(''), MessagesBody.parse({ ...hello, ...told(id) }), { connection: connectionOf('anthropic', { baseUrl }), servedModel: 'deepseek-chat' }).metadata
  expect(native(long, 'https://api.deepseek.com/anthropic')).toEqual({ user_id: user })
  expect(native('user@example.com', 'https://api.deepseek.com/anthropic')).toEqual({ user_id: expect.stringMatching(/^[0-9a-f]{64}$/) })
  expect(native('user-1', 'https://api.deepseek.com/anthropic')).toEqual({ user_id: 'user-1' })
  expect(native(long, null)).toEqual({ user_id: long })
})

test('what Claude Code and Claude itself wrote into a conversation does not end it at another model', async () => {
  const result = (content: unknown) => ({ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content }] })
  const { messages: asked } = await askedFor({ messages: [
    { role: 'user', content: [{ type: 'search_result', title: 'Looms', source: 'https://example.com', content: [{ type: 'text', text: 'They weave.' }] }] },
    { role: 'assistant', content: [{ type: 'server_tool_use', id: 's', name: 'web_search', input: {} }, { type: 'web_search_tool_result', tool_use_id: 's', content: [] }, { type: 'text', text: 'Found.' }, { type: 'tool_use', id: 'a', name: 'find', input: {} }] },
    result([{ type: 'tool_reference', tool_name: 'find' }]),
    { role: 'system', content: [{ type: 'tool_addition', tool: { name: 'weave' } }] },
    { role: 'user', content: 'Go on' }
  ] }, { kind: 'openai' })
  expect(asked).toMatchObject([
    { role: 'user', content: [{ type: 'text', text: 'Looms\nhttps://example.com\nThey weave.' }] },
    { role: 'assistant', content: 'Found.', tool_calls: [{ id: 'a' }] },
    { role: 'tool', tool_call_id: 'a', content: 'Tool available: find' },
    { role: 'user', content: 'Go on' }
  ])
})

test.each([['model_length', 'max_tokens'], ['model_context_window_exceeded', 'max_tokens'], ['sensitive', 'refusal'], ['stop', 'end_turn']])('an answer that ended by another server\'s word for it is told as what it is: %s', async (reason, told) => {
  const { bytes } = await streamed(chatStream([{ content: 'Half' }], { finish: reason }))
  expect(parse(bytes.toString())).toContainEqual(expect.objectContaining({ type: 'message_delta', delta: { stop_reason: told, stop_sequence: null } }))
})

test.each(['insufficient_system_resource', 'network_error'])('one that its server broke off is a failure: %s', async (reason) => {
  const request = parseCall(messages, { ...hello, stream: true })
  const bytes = await attempt(request, chatTarget(chatStream([{ content: 'Half' }], { finish: reason })).target)
  expect(() => tapStream(request, bytes)).toThrow('failed in the middle')
})

test('a failure in the middle keeps Anthropic\'s own word for it', () => {
  const tap = tapOf(parseCall(messages, { ...hello, stream: true }))
  let failure: unknown
  try {
    tap.push(Buffer.from('event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'))
  } catch (error) {
    failure = error
  }
  expect(failure).toBeInstanceOf(ToldFailure)
  if (failure instanceof ToldFailure) expect(parse(String(tap.failure(redactFailure(failure, connectionOf('anthropic')))))).toMatchObject([{ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }])
})

/** A streamed chat answer as Messages events, and what the tap makes of them. */
async function streamed(chat: string, rest: object = {}) {
  const request = parseCall(messages, { ...hello, stream: true, ...rest })
  const bytes = await attempt(request, chatTarget(chat).target)
  return { request, bytes, ...tapStream(request, bytes) }
}

describe('a streamed chat answer becomes Messages events', () => {
  const mixed = chatStream([
    { reasoning_content: 'Hm.' }, { content: 'Let me ' }, { content: 'look.' },
    call(0, { id: 'a', function: { name: 'find', arguments: '' } }), call(0, { function: { arguments: '{"q":' } }), call(0, { function: { arguments: '1}' } }),
    call(1, { id: 'b', function: { name: 'stop', arguments: '{}' } })
  ], { finish: 'tool_calls', usage: { prompt_tokens: 100, completion_tokens: 9, total_tokens: 109, prompt_tokens_details: { cached_tokens: 40 }, completion_tokens_details: { reasoning_tokens: 4 } } })

  test('block after block, each closed before the next begins', async () => {
    const { sent, closing } = await streamed(mixed, { thinking: { type: 'adaptive' } })
    const events = parse(sent + closing)
    expect(events.map(({ type, index }) => index === undefined ? type : `${String(type)} ${String(index)}`).filter((name, at, all) => name !== all[at - 1])).toEqual([
      'message_start',
      'content_block_start 0', 'content_block_delta 0', 'content_block_stop 0',
      'content_block_start 1', 'content_block_delta 1', 'content_block_stop 1',
      'content_block_start 2', 'content_block_delta 2', 'content_block_stop 2',
      'content_block_start 3', 'content_block_delta 3', 'content_block_stop 3',
      'message_delta', 'message_stop'
    ])
    expect(events.find(({ type }) => type === 'message_delta')).toMatchObject({
      delta: { stop_reason: 'tool_use' },
      usage: { input_tokens: 60, cache_read_input_tokens: 40, output_tokens: 9, output_tokens_details: { thinking_tokens: 4 }, cost: 0.25 }
    })
  })

  test('without thinking for those who did not ask for it', async () => {
    expect((await streamed(mixed)).sent).not.toContain('thinking')
  })

  test('which the tap reads the same wherever the network cuts them', async () => {
    const { request, bytes } = await streamed(mixed, { thinking: { type: 'adaptive' } })
    const whole = tapStream(request, bytes)
    expect(whole.tap).toMatchObject({ done: true, text: 'Hm.Let me look.find{"q":1}stop{}', usage: { inputTokens: 100, cachedInputTokens: 40, outputTokens: 9, reasoningTokens: 4 } })
    for (let size = 1; size < 200; size += 7) {
      const cut = tapStream(request, bytes, size)
      expect({ sent: cut.sent, closing: cut.closing, text: cut.tap.text }).toEqual({ sent: whole.sent, closing: whole.closing, text: whole.tap.text })
    }
  })

  test('whose first names the model that answers, though Azure names none in the chunk of its filter', async () => {
    const filter = `data: ${JSON.stringify({ id: '', object: '', created: 0, model: '', choices: [], prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] })}\n\n`
    const start = async (chat: string) => parse((await streamed(chat)).sent)[0]
    expect(await start(filter + chatStream([{ content: 'Hi' }]))).toMatchObject({ type: 'message_start', message: { model: 'm' } })
    expect(await start(chatStream([{ content: 'Hi' }]).replaceAll('"model":"m"', '"model":""'))).toMatchObject({ message: { model: 'upstream-model' } })
  })

  test('that hold the last two back until the call is captured', async () => {
    const { sent } = await streamed(mixed)
    expect(sent).not.toMatch(/message_delta|message_stop/)
  })

  test('with our count where the provider tells none: zeroes at the start are no count', async () => {
    const { tap, closing } = await streamed(chatStream([{ content: 'Hi' }], { usage: null }))
    expect([tap.usage, tap.inputUsage]).toEqual([undefined, undefined])
    expect(parse(closing)[0]).toMatchObject({ usage: { input_tokens: 11, output_tokens: 22 } })
  })

  test.each([
    ['an error', `${chatStream([{ content: 'Hi' }], { finish: null })}data: {"error":{"message":"overloaded"}}\n\n`, 'overloaded'],
    ['an end half way', chatStream([{ content: 'Hi' }], { finish: null }), 'half way'],
    ['what is no chunk', 'data: {"choices":"none"}\n\n', 'not a chat completion chunk'],
    ['two calls at once', chatStream([call(1, { id: 'b', function: { name: 'x' } }), call(0, { function: { arguments: '{}' } })]), 'two tool calls at once']
  ])('and %s an error event, which the tap throws', async (_, chat, message) => {
    const request = parseCall(messages, { ...hello, stream: true })
    const bytes = await attempt(request, chatTarget(chat).target)
    expect(bytes.toString()).toContain('event: error')
    expect(() => tapStream(request, bytes)).toThrow(message)
  })
})

describe('a Messages request over chat completions', () => {
  test('names the limit as the provider knows it', async () => {
    expect(await askedFor({}, { kind: 'openai' })).toMatchObject({ max_completion_tokens: 100 })
    expect(await askedFor({})).toMatchObject({ max_tokens: 100 })
  })
  test('asks for reasoning only where the model reasons', async () => {
    const thinking = { thinking: { type: 'enabled', budget_tokens: 8_000 } }
    expect(await askedFor(thinking, { kind: 'openai', model: 'gpt-5-mini' })).toMatchObject({ reasoning_effort: 'medium' })
    expect(await askedFor(thinking, { kind: 'openai', model: 'gpt-4o' })).not.toHaveProperty('reasoning_effort')
    expect(await askedFor({ output_config: { effort: 'max' } }, { kind: 'google' })).toMatchObject({ reasoning_effort: 'high' })
    // The name of a deployment tells nothing.
    expect(await askedFor(thinking, { kind: 'azure', model: 'prod-reasoner', serves: 'gpt-5' })).toMatchObject({ reasoning_effort: 'medium' })
    expect(await askedFor(thinking, { kind: 'azure', model: 'gpt-5-migration', serves: 'gpt-4o' })).not.toHaveProperty('reasoning_effort')
    expect(await askedFor(thinking, { kind: 'openai', model: 'gpt-5-chat-latest' })).not.toHaveProperty('reasoning_effort')
  })
  test('puts tool results right after their calls, and leaves earlier thinking out', async () => {
    const turns = [
      ...hello.messages,
      { role: 'assistant', content: [{ type: 'thinking', thinking: 'Hm', signature: 's' }, { type: 'tool_use', id: 't1', name: 'find', input: { q: 1 } }] },
      { role: 'user', content: [{ type: 'text', text: 'Here.' }, { type: 'tool_result', tool_use_id: 't1', content: 'Found' }] }
    ]
    expect((await askedFor({ messages: turns })).messages).toEqual([
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: null, tool_calls: [{ id: 't1', type: 'function', function: { name: 'find', arguments: '{"q":1}' } }] },
      { role: 'tool', tool_call_id: 't1', content: 'Found' },
      { role: 'user', content: [{ type: 'text', text: 'Here.' }] }
    ])
  })
  test('asks for JSON by a schema, under either name, and strictly where OpenAI takes it so', async () => {
    const city = { type: 'string' }
    const strict = { type: 'object', properties: { city, at: { anyOf: [{ type: 'object', properties: {}, required: [], additionalProperties: false }, { type: 'null' }] } }, required: ['city', 'at'], additionalProperties: false }
    const optional = { ...strict, required: ['city'] }
    const asked = (schema: object, held: object) => ({ response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, ...held } } })
    for (const wrap of [(format: object) => ({ output_config: { format } }), (format: object) => ({ output_format: format })]) {
      expect(await askedFor(wrap({ type: 'json_schema', schema: strict }))).toMatchObject(asked(strict, { strict: true }))
      expect((await askedFor(wrap({ type: 'json_schema', schema: optional }))).response_format).toEqual(asked(optional, {}).response_format)
    }
  })
  test.each<[string, object]>([
    ['optional properties', { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false }],
    ['others than it names', { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }],
    ['such an object within', { type: 'object', properties: { a: { type: ['array', 'null'], items: { type: 'object' } } }, required: ['a'], additionalProperties: false }],
    ['such an object among its definitions', { type: 'object', properties: { a: { $ref: '#/$defs/b' } }, required: ['a'], additionalProperties: false, $defs: { b: { type: 'object', properties: {} } } }],
    ['anything', { type: 'object', properties: { a: {} }, required: ['a'], additionalProperties: false }],
    ['what strict mode does not know', { type: 'object', properties: { a: { oneOf: [{ type: 'string' }], type: 'string' } }, required: ['a'], additionalProperties: false }],
    ['no object', { type: 'array', items: { type: 'string' } }]
  ])('holds no model to a schema that has %s', async (_, schema) => {
    const tools = [{ name: 'find', input_schema: schema, strict: true }]
    expect(JSON.stringify(await askedFor({ tools, output_config: { format: { type: 'json_schema', schema } } }))).not.toContain('strict')
  })
  test('looks through a schema of any size and order in a moment', () => {
    const names = Array.from({ length: 200_000 }, (_, index) => `a name of some length ${index}`)
    const schema = { type: 'object', properties: Object.fromEntries(names.map(name => [name, { type: 'string' }])), required: names.toReversed(), additionalProperties: false }
    expect(fitsStrictMode(JSON.parse(JSON.stringify(schema)))).toBe(true)
    expect(fitsStrictMode({ ...schema, required: names.slice(1) })).toBe(false)
  }, 10_000)
  test('keeps a tool strict', async () => {
    const tool = { name: 'find', input_schema: { type: 'object', properties: { q: { type: 'string' } }, required: ['q'], additionalProperties: false } }
    const { tools } = await askedFor({ tools: [{ ...tool, strict: true }, tool] })
    expect(tools).toMatchObject([{ function: { name: 'find', strict: true } }, { function: { name: 'find' } }])
    expect(JSON.stringify(tools).match(/"strict"/g)).toHaveLength(1)
  })
  test.each([
    ['auto', 'auto'], ['any', 'required'], ['none', 'none']
  ])('chooses tools: %s is %s', async (type, choice) => {
    const tools = [{ name: 'find', input_schema: { type: 'object' } }]
    expect(await askedFor({ tools, tool_choice: { type, disable_parallel_tool_use: true } })).toMatchObject({ tool_choice: choice, parallel_tool_calls: false })
  })
  test.each<[string, object]>([
    ['tools.0.type', { tools: [{ type: 'bash_20250124', name: 'bash', input_schema: {} }] }],
    ['mcp_servers', { mcp_servers: [{ url: 'https://example.com' }] }],
    ['thread', { thread: { type: 'create' } }],
    ['messages.0.content.0', { messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } }] }] }],
    ['messages.0.content.0.type', { messages: [{ role: 'user', content: [{ type: 'container_upload' }] }] }]
  ])('is refused where it cannot be said: %s', async (param, rest) => {
    await expect(askedFor(rest)).rejects.toMatchObject({ code: 'invalid_request', param: expect.stringContaining(param) })
  })
  test('whose model calls a tool with what is no JSON is a failure, not an empty call', async () => {
    const answer = { choices: [{ message: { tool_calls: [{ id: 'a', function: { name: 'find', arguments: '{"q":' } }] }, finish_reason: 'tool_calls' }] }
    await expect(attempt(parseCall(messages, hello), chatTarget(JSON.stringify(answer)).target)).rejects.toMatchObject({ code: 'upstream_error' })
  })
})

describe('what is held for a Messages call', () => {
  const bound = (rest: object, limits: Partial<Target> = {}) => parseCall(messages, { ...hello, ...rest }).bound(targetOf('anthropic', 'm', limits))
  const data = 'A'.repeat(500_000)
  const content = (block: object) => ({ messages: [{ role: 'user', content: [block] }] })

  test('is the caller\'s limit, within the model\'s', () => {
    expect(bound({}).outputTokens).toBe(100)
    expect(bound({ max_tokens: 1_000_000 }, { maxOutputTokens: 64_000 }).outputTokens).toBe(64_000)
  })
  test('counts an image by the image, within a tool\'s result too, and a document by its bytes', () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data } }
    for (const block of [image, { type: 'tool_result', tool_use_id: 't', content: [image] }]) expect(bound(content(block)).inputTokens).toBeLessThan(60_000)
    expect(bound(content({ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data } })).inputTokens).toBeGreaterThan(500_000)
    expect(bound(content({ type: 'text', text: data })).inputTokens).toBeGreaterThan(500_000)
  })
  test('is the whole window where more is read than the body holds', () => {
    const limits = { contextWindow: 200_000 }
    expect(bound(content({ type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } }), limits).inputTokens).toBe(200_000)
    expect(bound({ tools: [{ type: 'web_fetch_20250910', name: 'web_fetch' }] }, limits).inputTokens).toBe(200_000)
    expect(bound({ thread: { type: 'continue', previous_message_id: 'msg_1' } }, limits).inputTokens).toBe(200_000)
  })
  test.each<[object, boolean]>([
    [{}, false], [{ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, true], [{ tools: [{ type: 'bash_20250124', name: 'bash' }] }, false],
    [{ tools: [{ type: 'advisor_20260301', name: 'advisor' }] }, true], [{ tools: [{ name: 'own', input_schema: {} }, { type: 'custom', name: 'own' }, { type: 'web_fetch_20250910', name: 'web_fetch' }] }, false],
    [{ speed: 'fast' }, true], [{ speed: 'standard' }, false], [{ inference_geo: 'us' }, true]
  ])('knows what tokens do not pay for: %j', (rest, unpriced) => {
    expect(findUnpriced(MessagesBody.parse({ ...hello, ...rest })) !== undefined).toBe(unpriced)
  })
})

describe('what Anthropic took to sum the conversation up first', () => {
  const usage = {
    input_tokens: 10, output_tokens: 20, cache_read_input_tokens: 5,
    iterations: [{ type: 'compaction', input_tokens: 1_000, output_tokens: 300, cache_read_input_tokens: 700 }, { type: 'message', input_tokens: 10, output_tokens: 20, cache_read_input_tokens: 5 }]
  }
  const counted = { inputTokens: 1_715, cachedInputTokens: 705, outputTokens: 320 }

  test('is counted, for it is in no other count', () => {
    const message = { type: 'message', content: [], usage }
    expect(parseCall(messages, hello).readAnswer(Buffer.from(JSON.stringify(message)), {})).toMatchObject({ usage: counted })
    expect(readUsage(toChatUsage(MessageUsage.parse({ ...usage, iterations: 'none' })))).toMatchObject({ inputTokens: 15, outputTokens: 20 })
  })

  test('streamed, too', () => {
    const event = (data: { type: string } & Record<string, unknown>) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
    const stream = event({ type: 'message_start', message: { id: 'msg_1', model: 'claude', usage: { input_tokens: 10, output_tokens: 1 } } }) + event({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage }) + event({ type: 'message_stop' })
    expect(tapStream(parseCall(messages, { ...hello, stream: true }), Buffer.from(stream)).tap).toMatchObject({ done: true, usage: counted })
  })

  test('is read as it comes, for a stream that breaks off', () => {
    const events = [
      { type: 'message_start', message: { id: 'msg_1', model: 'claude', usage: { input_tokens: 10, output_tokens: 1 } } },
      { type: 'content_block_start', index: 0, content_block: { type: 'compaction', content: null } },
      { type: 'content_block_delta', index: 0, delta: { type: 'compaction_delta', content: 'They spoke of Oslo.' } },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'So' } }
    ]
    const { tap } = tapStream(parseCall(messages, { ...hello, stream: true }), Buffer.from(events.map(data => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`).join('')))
    expect(tap).toMatchObject({ usage: undefined, summary: 'They spoke of Oslo.', text: 'They spoke of Oslo.So' })
    expect(JSON.parse(tap.record().toString()).content).toEqual([{ type: 'compaction', content: 'They spoke of Oslo.' }, { type: 'text', text: 'So' }])
  })

  test('is held for where it may come to that', async () => {
    const price = { source: 'test' as const, inputPrice: 1_000_000_000n, outputPrice: 10_000_000_000n }
    const target = targetOf('anthropic', 'm', { contextWindow: 200_000, maxOutputTokens: 64_000, price })
    const request = parseCall(messages, { ...hello, messages: [{ role: 'user', content: 'every good boy '.repeat(1_000) }], context_management: { edits: [{ type: 'compact_20260112' }] } })
    const plain = parseCall(messages, { ...hello, context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] } })
    const tokens = request.bound(target)
    expect(tokens).toMatchObject({ inputTokens: request.raw.length * 2, outputTokens: 100 + 64_000 })
    expect(plain.bound(target)).toMatchObject({ inputTokens: plain.raw.length, outputTokens: 100 })
    expect(request.bound(chatTarget('').target).inputTokens).toBe(request.raw.length)
    // Where the wallet has less: the prompt by its tokens, twice, and both answers.
    const offer = await fitToFunds(request, [{ target, tokens }], raw => raw, boundCost(tokens, price) - 1n, lookAt(request))
    const counted = await request.countClosely?.()
    expect(offer?.amount).toBeGreaterThan(BigInt((counted?.tokens ?? 0) * 2) * 1_000n + 64_100n * 10_000n)
  })
})

test.each([[[{ model: 'claude-opus-4-8', max_tokens: 64_000, speed: 'fast' }]], ['default']])('models that Anthropic would try for itself are refused, for they have rules and prices: %j', (fallbacks) => {
  expect(() => parseCall(messages, { ...hello, fallbacks })).toThrow(/"models"/)
  expect(() => parseCall(messages, { ...hello, fallbacks: null })).not.toThrow()
})

test('a native stream tells of its prompt before it answers, which counts should it break off', () => {
  const request = parseCall(messages, { ...hello, stream: true })
  const tap = tapOf(request)
  tap.push(Buffer.from('event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","model":"claude","usage":{"input_tokens":5,"cache_read_input_tokens":95,"output_tokens":1}}}\n\n'))
  tap.push(Buffer.from('event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\nevent: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Half"}}\n\n'))
  expect(tap).toMatchObject({ usage: undefined, inputUsage: { inputTokens: 100, cachedInputTokens: 95, cacheWriteTokens: 0 }, text: 'Half', whole: false })
})

test('ids of calls that other models made reach Claude as it takes them, the same in call and result, and no two alike', async () => {
  const call = (id: string) => ({ type: 'tool_use', id, name: 'find', input: {} })
  const result = (id: string) => ({ type: 'tool_result', tool_use_id: id, content: 'Found' })
  const ids = ['functions.find:0', 'functions_find:0', 'toolu_01-A']
  const { target, asked } = nativeTarget('anthropic')
  await attempt(parseCall(messages, { ...hello, messages: [...hello.messages, { role: 'assistant', content: ids.map(call) }, { role: 'user', content: ids.map(result) }] }), target)
  const [, calls, results] = MessagesBody.parse(asked[0]?.body).messages.map(({ content }) => Array.isArray(content) ? content.map(block => String(block.id ?? block.tool_use_id)) : [])
  expect(calls).toEqual(results)
  expect(calls?.[2]).toBe('toolu_01-A')
  for (const id of calls ?? []) expect(id).toMatch(/^[a-zA-Z0-9_-]+$/)
  expect(new Set(calls)).toHaveLength(3)
})

test('what other models left in earlier turns and Claude refuses does not reach it: thinking without a signature, text of nothing but line breaks', () => {
  const blank = { type: 'text', text: '\n\n' }
  const use = { type: 'tool_use', id: 't', name: 'find', input: {} }
  const unsigned = { type: 'thinking', thinking: 'Hm', signature: '' }
  const signed = { type: 'thinking', thinking: 'Hm', signature: 's' }
  const sent = (content: object[], target = targetOf('anthropic', 'claude-sonnet-4-5')) => {
    const body = MessagesBody.parse({ ...hello, messages: [...hello.messages, { role: 'assistant', content }] })
    return toAnthropicBody(Buffer.from(JSON.stringify(body)), body, target).messages.slice(1)
  }
  expect(sent([blank, use])).toEqual([{ role: 'assistant', content: [use] }])
  expect(sent([unsigned, blank, use])).toEqual([{ role: 'assistant', content: [use] }])
  expect(sent([unsigned, blank])).toEqual([])
  expect(sent([{ type: 'thinking', thinking: 'Hm' }, use])).toEqual([{ role: 'assistant', content: [use] }])
  const elsewhere = (model: string) => targetOf('anthropic', model, { connection: connectionOf('anthropic', { baseUrl: 'https://api.deepseek.com/anthropic' }) })
  expect(sent([unsigned, use], elsewhere('claude-sonnet-4-5'))).toEqual([{ role: 'assistant', content: [use] }])
  // Another model behind the format wants its own thoughts back.
  expect(sent([unsigned, use], elsewhere('deepseek-v4-pro'))).toEqual([{ role: 'assistant', content: [unsigned, use] }])
  // Claude's own comes back as it was.
  expect(sent([signed, blank, use])).toEqual([{ role: 'assistant', content: [signed, blank, use] }])
  expect(sent([])).toEqual([{ role: 'assistant', content: [] }])
})

test('ids of calls are no longer than OpenAI takes, those we make and those that another wrote; and fit to their results', async () => {
  const nameless = JSON.stringify({ choices: [{ message: { content: null, tool_calls: [{ function: { name: 'find', arguments: '{}' } }] }, finish_reason: 'tool_calls' }] })
  const [made] = JSON.parse((await attempt(parseCall(messages, hello), chatTarget(nameless).target)).toString()).content
  expect(made.id).toMatch(/^call_\w{32}$/)
  const ids = [made.id, `call_${'a'.repeat(36)}`, `call_${'a'.repeat(35)}b`]
  const { messages: sent } = await askedFor({ messages: [
    ...hello.messages,
    { role: 'assistant', content: ids.map(id => ({ type: 'tool_use', id, name: 'find', input: {} })) },
    { role: 'user', content: ids.map(id => ({ type: 'tool_result', tool_use_id: id, content: 'Found' })) }
  ] })
  const [, calls, ...results] = Array.isArray(sent) ? sent : []
  const called = calls.tool_calls.map(({ id }: { id: string }) => id)
  expect(results.map(({ tool_call_id: id }) => id)).toEqual(called)
  expect(called[0]).toBe(made.id)
  expect(new Set(called)).toHaveLength(3)
  for (const id of called) expect(id.length).toBeLessThanOrEqual(40)
})

test('names of tools are no longer than OpenAI takes, and the caller\'s own in the answer, whole and streamed', async () => {
  const names = ['find', `mcp__server__${'a'.repeat(70)}`, `mcp__server__${'a'.repeat(71)}`]
  const body = {
    tools: names.map(name => ({ name, input_schema: { type: 'object' } })),
    tool_choice: { type: 'tool', name: names[1] },
    messages: [...hello.messages, { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: names[2], input: {} }] }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: 'x' }] }]
  }
  const { tools, tool_choice: choice, messages: sent } = await askedFor(body)
  const short = Array.isArray(tools) ? tools.map(tool => String(tool.function.name)) : []
  expect(short[0]).toBe('find')
  expect(new Set(short)).toHaveLength(3)
  for (const name of short) expect(name).toMatch(/^\w{1,64}$/)
  expect(choice).toEqual({ type: 'function', function: { name: short[1] } })
  expect(sent).toMatchObject([{}, { tool_calls: [{ function: { name: short[2] } }] }, {}])
  const called = short.map((name, index) => ({ index, id: `c${index}`, function: { name, arguments: '{}' } }))
  const whole = await attempt(parseCall(messages, { ...hello, ...body }), chatTarget(JSON.stringify({ choices: [{ message: { content: null, tool_calls: called }, finish_reason: 'tool_calls' }] })).target)
  expect(JSON.parse(whole.toString()).content.map(({ name }: { name: string }) => name)).toEqual(names)
  const { sent: events } = await streamed(chatStream(called.map(piece => ({ tool_calls: [piece] })), { finish: 'tool_calls' }), body)
  expect(parse(events).flatMap(({ content_block: block }) => Object(block).name ?? [])).toEqual(names)
})

test('the line for Anthropic\'s bills, new in every call, stands at the head of no other provider\'s prompt', async () => {
  const line = 'x-anthropic-billing-header: cc_version=2.1.177.01c; cc_entrypoint=cli; cch=36ee5;'
  const [head, rest] = [{ type: 'text', text: line }, { type: 'text', text: 'Be kind.' }]
  const asked = [`${line}\nBe kind.`, [head, rest]]
  for (const system of asked) expect((await askedFor({ system })).messages).toEqual([{ role: 'system', content: 'Be kind.' }, ...hello.messages])
  expect((await askedFor({ system: line })).messages).toEqual(hello.messages)
  const systemAt = (target: Target) => asked.map((system) => {
    const body = MessagesBody.parse({ ...hello, system })
    return toAnthropicBody(Buffer.from(JSON.stringify(body)), body, target).system
  })
  expect(systemAt(targetOf('anthropic', 'deepseek-chat', { connection: connectionOf('anthropic', { baseUrl: 'https://api.deepseek.com/anthropic' }) }))).toEqual(['Be kind.', [rest]])
  expect(systemAt(targetOf('anthropic', 'claude-sonnet-4-5'))).toEqual(asked)
})

test('a limit above what the model writes is that', async () => {
  const { target, asked } = chatTarget(JSON.stringify({ choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] }))
  for (const maxOutputTokens of [undefined, 16_384]) await attempt(parseCall(messages, { ...hello, max_tokens: 32_000 }), { ...target, ...(maxOutputTokens && { maxOutputTokens }) })
  expect(asked.map(({ max_tokens: limit }) => limit)).toEqual([32_000, 16_384])
})

test('messages whose ids Claude takes as they are go on uncopied', () => {
  const said = ['toolu_1', 'functions.find:0'].map(id => ({ role: 'assistant', content: [{ type: 'tool_use', id, name: 'find', input: {} }] }))
  const body = MessagesBody.parse({ ...hello, messages: [...hello.messages, ...said] })
  const sent = toAnthropicBody(Buffer.from(JSON.stringify(body)), body, targetOf('anthropic', 'claude-sonnet-4-5'))
  expect(sent.messages.map((message, index) => message === body.messages[index])).toEqual([true, true, false])
})

test('events of kinds we do not know pass as they came, and garbage does not', () => {
  const request = parseCall(messages, { ...hello, stream: true })
  const news = 'event: brand_new\ndata: {"type":"brand_new","x":1}\n\n'
  expect(Buffer.concat(tapOf(request).push(Buffer.from(news))).toString()).toBe(news)
  for (const data of ['not json', '[]', '{"type":"content_block_delta"}', '{"type":"error","error":{"message":"Overloaded"}}']) {
    expect(() => tapOf(request).push(Buffer.from(`data: ${data}\n\n`))).toThrow(expect.objectContaining({ code: 'upstream_error' }))
  }
})

test('every kind takes a Messages call, natively or over its chat completions', () => {
  expect(targetOf('anthropic', 'claude').provider.native?.('messages', targetOf('anthropic', 'claude').connection, 'claude')).toBeTypeOf('function')
  for (const kind of ['openai', 'azure', 'google', 'openai-compatible', 'demo'] as const) expect(targetOf(kind, 'm').provider.native?.('messages', targetOf(kind, 'm').connection, 'm')).toBeUndefined()
})
