import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { LoomError } from '../../../server/errors'
import { responses } from '../../../server/gateway/operations/responses'
import { redactFailure } from '../../../server/gateway/providers/upstream-failure'
import { attempt, chatStream, chatTarget, parseCall, sendCall, tapOf, tapStream, targetOf } from '../../support/operation-calls'
import { connectionOf, eventsIn } from '../../support/provider-calls'

const Id = z.looseObject({ id: z.string() })
const Answer = z.looseObject({ output: z.array(Id) })
const hello = { model: 'm', input: 'Hello' }
const call = (index: number, rest: object) => ({ tool_calls: [{ index, ...rest }] })
const parse = (text: string) => eventsIn(text).map((data): Record<string, unknown> => JSON.parse(data))

const mixed = chatStream([
  { reasoning_content: 'Hm.' }, { content: 'Let me ' }, { content: 'look.' }, { refusal: 'No.' },
  call(0, { id: 'a', function: { name: 'find', arguments: '' } }), call(0, { function: { arguments: '{"q":1}' } }),
  call(1, { id: 'b', function: { name: 'stop' } })
], { finish: 'tool_calls', usage: { prompt_tokens: 100, completion_tokens: 9, total_tokens: 109, prompt_tokens_details: { cached_tokens: 40 }, completion_tokens_details: { reasoning_tokens: 2 } } })

describe('a streamed chat answer becomes Responses events', () => {
  const request = parseCall(responses, { ...hello, stream: true })
  const answer = async (chat: string) => attempt(request, chatTarget(chat).target)

  test('item after item, each done before the next, numbered from zero', async () => {
    const { sent, closing, tap } = tapStream(request, await answer(mixed))
    const events = parse(sent + closing)
    expect(events.map(event => event.sequence_number)).toEqual(events.map((_, index) => index))
    expect(events.map(({ type, output_index: at }) => at === undefined ? type : `${String(type).replace('response.', '')} ${String(at)}`)).toEqual([
      'response.created', 'response.in_progress',
      'output_item.added 0', 'reasoning_summary_part.added 0', 'reasoning_summary_text.delta 0', 'reasoning_summary_text.done 0', 'reasoning_summary_part.done 0', 'output_item.done 0',
      'output_item.added 1', 'content_part.added 1', 'output_text.delta 1', 'output_text.delta 1', 'output_text.done 1', 'content_part.done 1', 'output_item.done 1',
      'output_item.added 2', 'content_part.added 2', 'refusal.delta 2', 'refusal.done 2', 'content_part.done 2', 'output_item.done 2',
      'output_item.added 3', 'function_call_arguments.delta 3', 'function_call_arguments.done 3', 'output_item.done 3',
      'output_item.added 4', 'function_call_arguments.done 4', 'output_item.done 4',
      'response.completed'
    ])
    expect(events.at(-1)?.response).toMatchObject({
      status: 'completed',
      output: [
        { type: 'reasoning', summary: [{ text: 'Hm.' }] },
        { type: 'message', content: [{ type: 'output_text', text: 'Let me look.' }] },
        { type: 'message', content: [{ type: 'refusal', refusal: 'No.' }] },
        { type: 'function_call', call_id: 'a', name: 'find', arguments: '{"q":1}' },
        { type: 'function_call', call_id: 'b', name: 'stop', arguments: '{}' }
      ],
      usage: { input_tokens: 100, input_tokens_details: { cached_tokens: 40 }, output_tokens: 9, output_tokens_details: { reasoning_tokens: 2 }, total_tokens: 109, cost: 0.25 }
    })
    expect(tap).toMatchObject({ text: 'Hm.Let me look.No.{"q":1}', usage: { inputTokens: 100, outputTokens: 9 } })
  })

  test('which the tap reads the same wherever the network cuts them', async () => {
    const bytes = await answer(mixed)
    const whole = tapStream(request, bytes)
    for (let size = 1; size < 300; size += 11) expect(tapStream(request, bytes, size)).toMatchObject({ sent: whole.sent, closing: whole.closing })
  })

  test('that end as incomplete when the answer was cut', async () => {
    const { closing } = tapStream(request, await answer(chatStream([{ content: 'Half' }], { finish: 'length' })))
    expect(parse(closing)).toMatchObject([{ type: 'response.incomplete', response: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } } }])
  })

  test('whose first names the model that answers, though Azure names none in the chunk of its filter', async () => {
    const filter = `data: ${JSON.stringify({ id: '', object: '', created: 0, model: '', choices: [], prompt_filter_results: [] })}\n\n`
    const { sent } = tapStream(request, await answer(filter + chatStream([{ content: 'Hi' }])))
    expect(parse(sent)[0]).toMatchObject({ type: 'response.created', response: { model: 'm' } })
  })

  test('with a message even for an answer without a word, and our count where there is none', async () => {
    const { closing, tap } = tapStream(request, await answer(chatStream([], { usage: null })))
    expect(tap.usage).toBeUndefined()
    expect(parse(closing)[0]).toMatchObject({ response: { output: [{ type: 'message', content: [{ text: '' }] }], usage: { input_tokens: 11, output_tokens: 22, total_tokens: 33 } } })
  })

  test.each([
    ['an error', `${chatStream([{ content: 'Hi' }], { finish: null })}data: {"error":{"message":"overloaded"}}\n\n`, 'overloaded'],
    ['an end half way', chatStream([{ content: 'Hi' }], { finish: null }), 'half way']
  ])('and %s an error event, which the tap throws', async (_, chat, message) => {
    const bytes = await answer(chat)
    expect(parse(bytes.toString()).at(-1)).toMatchObject({ type: 'error', message: expect.stringContaining(message), sequence_number: expect.any(Number) })
    expect(() => tapStream(request, bytes)).toThrow(message)
  })

  test.each([
    ['in its thoughts', '"delta":"Hm."', []],
    ['in a message', '"delta":"look."', [{ type: 'reasoning' }, { type: 'message', status: 'incomplete', content: [{ type: 'output_text', text: 'Let me look.' }] }]],
    ['before a word of the next', '"refusal":""', [{ type: 'reasoning' }, { type: 'message', status: 'completed', content: [{ type: 'output_text', text: 'Let me look.' }] }]],
    ['in a call', '"delta":"{', [{ type: 'reasoning' }, { type: 'message' }, { type: 'message', content: [{ type: 'refusal', refusal: 'No.' }] }]],
    ['after a call', '"name":"stop"', [{ type: 'reasoning' }, { type: 'message' }, { type: 'message' }, { type: 'function_call', name: 'find', arguments: '{"q":1}' }]]
  ])('of which, broken off %s, the record has what can be gone on from, under the ids it was given', async (_, last, output) => {
    const bytes = await answer(mixed)
    const tap = tapOf(request)
    const sent = parse(String(Buffer.concat(tap.push(bytes.subarray(0, bytes.indexOf('\n\n', bytes.indexOf(last)) + 2)))))
    const record = Answer.parse(JSON.parse(String(tap.record())))
    expect(record).toMatchObject({ status: 'incomplete', output })
    expect(record.output).toHaveLength(output.length)
    const given = sent.filter(({ type }) => type === 'response.output_item.added').map(({ item }) => Id.parse(item).id)
    expect(record.output.map(({ id }) => id)).toEqual(given.slice(0, output.length))
  })
})

test('a failure ends the response as failed, then is told as the error that SDKs throw, both numbered after what was sent', () => {
  const tap = tapOf(parseCall(responses, { ...hello, stream: true }))
  const gone = new LoomError('upstream_error', 'Gone')
  const error = { type: 'error', message: 'Gone', code: 'upstream_error', error: { message: 'Gone' } }
  expect(parse(String(tap.failure(gone)))).toMatchObject([{ ...error, sequence_number: 0 }])
  tap.push(Buffer.from('event: response.created\ndata: {"type":"response.created","sequence_number":4,"response":{"id":"resp_1"}}\n\n'))
  expect(parse(String(tap.failure(gone)))).toMatchObject([
    { type: 'response.failed', sequence_number: 5, response: { id: 'resp_1', status: 'failed', output: [], error: { code: 'upstream_error', message: 'Gone' } } }, { ...error, sequence_number: 6 }
  ])
})

test.each([
  { type: 'response.failed', response: { id: 'resp_1', error: { code: 'context_length_exceeded', message: 'Too long.' } } },
  { type: 'error', code: 'context_length_exceeded', message: 'Too long.' },
  { type: 'error', error: { code: 'context_length_exceeded', message: 'Too long.' } }
])('keeps the provider\'s code of a failure, by which Codex shortens its prompt: %j', (told) => {
  const tap = tapOf(parseCall(responses, { ...hello, stream: true }))
  tap.push(Buffer.from('data: {"type":"response.created","response":{"id":"resp_1"}}\n\n'))
  let failure: unknown
  try {
    tap.push(Buffer.from(`data: ${JSON.stringify(told)}\n\n`))
  } catch (error) {
    failure = error
  }
  expect(failure).toBeInstanceOf(LoomError)
  const code = 'context_length_exceeded'
  if (failure instanceof LoomError) expect(parse(String(tap.failure(redactFailure(failure, connectionOf('openai')))))).toMatchObject([{ type: 'response.failed', response: { status: 'failed', error: { code, message: 'Too long.' } } }, { type: 'error', code }])
})

test('a native failure is one, whole or streamed', () => {
  const request = parseCall(responses, hello)
  const failed = { id: 'resp_1', object: 'response', status: 'failed', error: { code: 'server_error', message: 'The model tripped.' }, output: [], usage: null }
  expect(() => request.readAnswer(Buffer.from(JSON.stringify(failed)), {})).toThrow('The model tripped.')
  expect(() => tapOf(request).push(Buffer.from(`data: ${JSON.stringify({ type: 'response.failed', sequence_number: 3, response: failed })}\n\n`))).toThrow('The model tripped.')
})

test.each<[string, number, object | undefined]>([['counts', 100, { inputTokens: 100, cachedInputTokens: 95, cacheWriteTokens: 0 }], ['zeroes', 0, undefined]])('%s at the start are no count of the answer, and zeroes none at all', (_, input, inputUsage) => {
  const tap = tapOf(parseCall(responses, { ...hello, stream: true }))
  const usage = { input_tokens: input, input_tokens_details: { cached_tokens: input * 0.95 }, output_tokens: 0, total_tokens: input }
  tap.push(Buffer.from(`data: ${JSON.stringify({ type: 'response.created', sequence_number: 0, response: { usage } })}\n\n`))
  expect([tap.usage, tap.inputUsage]).toEqual([undefined, inputUsage])
})

describe('what is held for a Responses call', () => {
  const bound = (rest: object) => parseCall(responses, { ...hello, ...rest }).bound(targetOf('openai', 'm', { contextWindow: 400_000, maxOutputTokens: 16_000 }))
  const part = (item: object) => ({ input: [{ role: 'user', content: [item] }] })

  test('is the caller\'s limit, else the model\'s', () => {
    expect(bound({ max_output_tokens: 50 }).outputTokens).toBe(50)
    expect(bound({}).outputTokens).toBe(16_000)
  })
  test('counts an image by the image', () => {
    expect(bound(part({ type: 'input_image', image_url: `data:image/png;base64,${'A'.repeat(300_000)}` })).inputTokens).toBeLessThan(60_000)
  })
  test.each<[string, object]>([
    ['an earlier answer', { previous_response_id: 'resp_1' }], ['a conversation', { conversation: 'conv_1' }], ['a stored prompt', { prompt: { id: 'pmpt_1' } }],
    ['an item kept there', { input: [{ type: 'item_reference', id: 'msg_1' }] }], ['a file there', part({ type: 'input_file', file_id: 'file_1' })], ['a tool that reads', { tools: [{ type: 'file_search' }] }]
  ])('is the whole window with %s, which is in no body', (_, rest) => {
    expect(bound(rest).inputTokens).toBe(400_000)
  })
  test('can be lowered by a policy, and what is sent with it', async () => {
    const request = parseCall(responses, hello)
    request.limitOutput?.(77)
    expect(request.bound(targetOf('openai', 'm')).outputTokens).toBe(77)
    const { target, asked } = chatTarget(JSON.stringify({ choices: [{ message: { content: 'Hi' } }] }))
    await attempt(request, target)
    expect(asked[0]).toMatchObject({ max_tokens: 77 })
  })
})

test('asked for another provider\'s service of a model that chats, is refused: it would be lost on the way', async () => {
  const { target } = chatTarget(JSON.stringify({ choices: [{ message: { content: 'Hi' } }] }))
  await expect(attempt(parseCall(responses, { ...hello, plugins: [{ id: 'web' }] }), target)).rejects.toMatchObject({ code: 'invalid_request', param: 'plugins' })
  await attempt(parseCall(responses, { ...hello, plugins: [], enable_search: false }), target)
})

test('what tools show follows all their results as the user\'s', async () => {
  const { target, asked } = chatTarget(JSON.stringify({ choices: [{ message: { content: 'Hi' } }] }))
  const called = (id: string) => ({ type: 'function_call', call_id: id, name: 'look', arguments: '{}' })
  const output = (id: string) => ({ type: 'function_call_output', call_id: id, output: [{ type: 'input_text', text: 'A cat:' }, { type: 'input_image', image_url: `https://x.example/${id}.png` }] })
  await attempt(parseCall(responses, { model: 'm', input: [{ role: 'user', content: 'Look' }, called('a'), called('b'), output('a'), output('b'), { role: 'user', content: 'And?' }] }), target)
  const picture = (id: string) => ({ type: 'image_url', image_url: { url: `https://x.example/${id}.png` } })
  expect(asked[0]?.messages).toMatchObject([
    { role: 'user' }, { role: 'assistant' },
    { role: 'tool', tool_call_id: 'a', content: 'A cat:' }, { role: 'tool', tool_call_id: 'b', content: 'A cat:' },
    { role: 'user', content: [picture('a'), picture('b')] }, { role: 'user', content: 'And?' }
  ])
})

test('Azure speaks it from the version on that has it', () => {
  const native = (apiVersion: string) => {
    const { provider, connection } = targetOf('azure', 'prod')
    return provider.native?.('responses', { ...connection, config: { apiVersion, deployments: {} } }, 'prod') !== undefined
  }
  expect(['2024-10-21', '2025-02-01-preview', '2025-03-01-preview', '2025-04-01-preview', 'v1'].map(native)).toEqual([false, false, true, true, true])
})

test.each<[object, string]>([
  [{ type: 'local_shell' }, 'takes functions, custom tools and namespaces'], [{ type: 'tool_search', execution: 'client' }, 'takes functions'], [{ type: 'tool_search' }, 'run by OpenAI'], [{ type: 'web_search' }, 'web_search = "disabled"'], [{ type: 'namespace', name: 'crm', tools: [{ type: 'web_search' }] }, 'run by OpenAI']
])('a tool that a model which chats cannot be told of is refused for what it is: %j', async (tool, words) => {
  await expect(async () => sendCall(parseCall(responses, { model: 'm', input: 'Hi', tools: [tool] }), chatTarget('').target)).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining(words) })
})
