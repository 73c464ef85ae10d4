import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { LoomError } from '../../../server/errors'
import { chatCompletions } from '../../../server/gateway/operations/chat-completions'
import { attempt, chatStream, chatTarget, nativeTarget, parseCall, sendCall, tapStream } from '../../support/operation-calls'

const applyPatch = { type: 'custom', name: 'ApplyPatch', description: 'Edits files.', format: { type: 'grammar', syntax: 'lark', definition: 'start: "*** Begin Patch" LF /.+/s' } }
const readFile = { type: 'function', name: 'read_file', description: 'Reads a file', parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] }, strict: false }
const longName = `mcp_${'x'.repeat(70)}`
const patch = '*** Begin Patch\n*** Add File: a "b".txt\n+Hi\n*** End Patch'
const body = { model: 'm', input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }], tools: [readFile, applyPatch, { ...readFile, name: longName }] }

const Asked = z.looseObject({ messages: z.array(z.looseObject({})), tools: z.array(z.object({ function: z.looseObject({ name: z.string() }) })) })
const Chunk = z.object({ choices: z.array(z.object({ delta: z.looseObject({ tool_calls: z.array(z.object({ index: z.number(), function: z.looseObject({ name: z.string().nullish(), arguments: z.string().nullish() }) })).optional() }), finish_reason: z.string().nullish() })) })

/** What a model that chats knows the caller's tools by. */
async function shortNames() {
  const { target, asked } = chatTarget('{"choices":[{"message":{"content":"Hi"}}]}')
  await attempt(parseCall(chatCompletions, body), target)
  return Asked.parse(asked[0]).tools.map(tool => tool.function.name)
}

describe('calls of tools come back by the caller\'s names, with the text of a custom tool for arguments', () => {
  const calls = async () => [['read_file', '{"path":"a"}'], ['ApplyPatch', JSON.stringify({ input: patch })], [(await shortNames())[2] ?? '', '{}']] as const
  const expected = [['read_file', '{"path":"a"}'], ['ApplyPatch', patch], [longName, '{}']]

  test('in one piece', async () => {
    const made = (await calls()).map(([name, written], index) => ({ id: `call_${index}`, type: 'function', function: { name, arguments: written } }))
    const { target } = chatTarget(JSON.stringify({ id: 'c1', object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: null, tool_calls: made }, finish_reason: 'tool_calls' }], usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } }))
    const request = parseCall(chatCompletions, body)
    const bytes = await attempt(request, target)
    expect(JSON.parse(String(bytes))).toMatchObject({ id: 'c1', object: 'chat.completion', choices: [{ message: { tool_calls: expected.map(([name, written], index) => ({ id: `call_${index}`, type: 'function', function: { name, arguments: written } })) }, finish_reason: 'tool_calls' }] })
    expect(request.readAnswer(bytes, {})).toMatchObject({ usage: { inputTokens: 7, outputTokens: 3 } })
  })

  test.each([1, 7, 1_000])('streamed, however it is cut (%d bytes)', async (size) => {
    const deltas = (await calls()).flatMap(([name, written], index) => [
      { tool_calls: [{ index, id: `call_${index}`, type: 'function', function: { name, arguments: '' } }] },
      ...[written.slice(0, 11), written.slice(11)].map(piece => ({ tool_calls: [{ index, function: { arguments: piece } }] }))
    ])
    const { target } = chatTarget(chatStream(deltas, { finish: 'tool_calls' }))
    const request = parseCall(chatCompletions, { ...body, stream: true, stream_options: { include_usage: true } })
    const { sent, closing, tap } = tapStream(request, await attempt(request, target), size)
    const pieces = sent.split('\n\n').filter(Boolean).flatMap(event => Chunk.parse(JSON.parse(event.replace(/^data: /, ''))).choices.flatMap(({ delta }) => delta.tool_calls ?? []))
    const told = expected.map((_, index) => pieces.filter(piece => piece.index === index).map(piece => piece.function)).map(parts => [parts.map(({ name }) => name ?? '').join(''), parts.map(part => part.arguments ?? '').join('')])
    expect(told).toEqual(expected)
    expect(tap.usage).toMatchObject({ inputTokens: 7, outputTokens: 3 })
    expect(closing).toMatch(/"usage":\{"prompt_tokens":7.*\n\ndata: \[DONE\]/)
  })
})

describe('the text of a custom tool comes once, and whole, and the reason of the end behind it,', () => {
  const call = (written: string) => ({ tool_calls: [{ index: 0, id: 'call_0', type: 'function', function: { name: 'ApplyPatch', arguments: written } }] })
  const event = (choices: object[], usage?: object) => `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices, ...(usage && { usage }) })}\n\n`
  const choice = (delta: object, reason: string | null) => ({ index: 0, delta, finish_reason: reason })
  const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 }
  const listed = '*** Begin Patch\n+["a","b"]\n*** End Patch'
  const written = [['a patch that is no JSON', patch, patch], ['JSON', JSON.stringify({ input: patch }), patch], ['JSON with marks unescaped', `{"input":"${listed.replaceAll('\n', '\\n')}"}`, listed]] as const
  const reasons = [
    ['told once', [null, null, 'tool_calls', undefined], ['tool_calls']],
    ['told with every piece', ['tool_calls', 'tool_calls', 'tool_calls', 'tool_calls'], ['tool_calls']],
    ['told ahead of time', [null, 'tool_calls', null, undefined], ['tool_calls']],
    ['told again with the usage', [null, null, 'tool_calls', 'tool_calls'], ['tool_calls']],
    ['never told', [null, null, null, undefined], []]
  ] as const
  const cases = written.flatMap(([form, ...texts]) => reasons.map(([when, told, expected]) => [form, when, texts, told, expected] as const))

  test.each(cases)('of %s, where that is %s', async (_, __, [text, told], [first, second, third, last], expected) => {
    const pieces = [choice(call(text.slice(0, 5)), first), choice({ tool_calls: [{ index: 0, function: { arguments: text.slice(5) } }] }, second), choice({}, third)]
    const { target } = chatTarget([...pieces.map(piece => event([piece])), event(last === undefined ? [] : [choice({}, last)], usage), 'data: [DONE]\n\n'].join(''))
    const request = parseCall(chatCompletions, { ...body, stream: true })
    const { sent, tap } = tapStream(request, await attempt(request, target))
    const choices = sent.split('\n\n').filter(Boolean).flatMap(line => Chunk.parse(JSON.parse(line.replace(/^data: /, ''))).choices)
    expect(choices.flatMap(({ delta }) => delta.tool_calls ?? []).map(piece => piece.function.arguments ?? '').join('')).toBe(told)
    expect(choices.flatMap(({ finish_reason: reason }) => reason ?? [])).toEqual(expected)
    expect(choices.at(-1)?.finish_reason ?? undefined).toBe(expected[0])
    expect({ done: tap.done, usage: tap.usage }).toMatchObject({ done: true, usage: { outputTokens: 3 } })
  })
})

test('earlier calls of a custom tool, which came back as functions, are told to the model as it made them', async () => {
  const { target, asked } = chatTarget('{"choices":[{"message":{"content":"Hi"}}]}')
  const output = { type: 'function_call_output', call_id: 'call_1', output: 'Done' }
  await attempt(parseCall(chatCompletions, { ...body, input: [...body.input, { type: 'function_call', call_id: 'call_1', name: 'ApplyPatch', arguments: patch }, output, { type: 'function_call', call_id: 'call_2', name: 'read_file', arguments: '{"path":"a"}' }, { ...output, call_id: 'call_2' }] }), target)
  expect(Asked.parse(asked[0]).messages).toEqual([
    { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
    { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'ApplyPatch', arguments: JSON.stringify({ input: patch }) } }] },
    { role: 'tool', tool_call_id: 'call_1', content: 'Done' },
    { role: 'assistant', content: null, tool_calls: [{ id: 'call_2', type: 'function', function: { name: 'read_file', arguments: '{"path":"a"}' } }] },
    { role: 'tool', tool_call_id: 'call_2', content: 'Done' }
  ])
})

test('so are those of a custom tool that is not told of any more, or that a namespace has', async () => {
  const { target, asked } = chatTarget('{"choices":[{"message":{"content":"Hi"}}]}', { kind: 'anthropic' })
  const calls = [['ApplyPatch', patch], ['mcp__files__patch', patch], ['read_file', '{"path":"a"}'], ['list_files', '']].map(([name, written], index) => ({ type: 'function_call', call_id: `call_${index}`, name, arguments: written }))
  await attempt(parseCall(chatCompletions, { ...body, tools: [readFile, { type: 'namespace', name: 'mcp__files', tools: [{ ...applyPatch, name: 'patch' }] }], input: [...body.input, ...calls] }), target)
  const wrapped = JSON.stringify({ input: patch })
  expect(Asked.parse(asked[0]).messages[1]).toMatchObject({ tool_calls: [
    { function: { name: 'ApplyPatch', arguments: wrapped } }, { function: { name: 'mcp__files__patch', arguments: wrapped } },
    { function: { name: 'read_file', arguments: '{"path":"a"}' } }, { function: { name: 'list_files', arguments: '' } }
  ] })
})

test.each([[{ max_tokens: 50 }, 50], [{ max_completion_tokens: 60, max_tokens: 50 }, 60], [{ max_output_tokens: 70, max_completion_tokens: 60 }, 70], [{ max_output_tokens: null, max_tokens: null }, undefined]])('a chat\'s own limit holds where there is none of a response: %j', async (limits, expected) => {
  const { target, asked } = chatTarget('{"choices":[{"message":{"content":"Hi"}}]}')
  const request = parseCall(chatCompletions, { ...body, ...limits })
  await attempt(request, target)
  expect({ asked: request.askedOutputTokens, sent: asked[0]?.max_tokens, bound: expected && request.bound(target).outputTokens }).toEqual({ asked: expected, sent: expected, bound: expected })
})

test.each([[null], [[]]])('fields of a chat that ask for nothing are taken: lists as %j', async (nothing) => {
  const { target, asked } = chatTarget('{"choices":[{"message":{"content":"Hi"}}]}')
  await attempt(parseCall(chatCompletions, { ...body, n: 1, stop: nothing, response_format: { type: 'text' }, functions: nothing, audio: null }), target)
  for (const field of ['n', 'stop', 'response_format', 'functions', 'audio']) expect(asked[0]).not.toHaveProperty(field)
})

test('a provider is asked by its Responses API for a model alone that has no other, as any chat is', async () => {
  const { target, asked } = nativeTarget('openai')
  const request = parseCall(chatCompletions, { ...body, reasoning: { effort: 'max' }, stream: true })
  expect(await request.reachable?.([target])).toEqual([target])
  await sendCall(request, { ...target, servedModel: 'gpt-5.1-codex' })
  expect(asked).toMatchObject([{ stream: true, body: { input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }], tools: [{ type: 'function', name: 'read_file' }, { type: 'function', name: 'ApplyPatch' }, { type: 'function' }], reasoning: { effort: 'max' }, store: false, stream: true } }])
  await expect(sendCall(request, { ...target, servedModel: 'o3-deep-research' })).rejects.toMatchObject({ code: 'invalid_request', param: 'model' })
})

test.each<[string, object, string]>([
  ['an earlier answer', { previous_response_id: 'resp_1' }, 'previous_response_id'],
  ['a conversation', { conversation: 'conv_1' }, 'conversation'],
  ['a stored prompt', { prompt: { id: 'pmpt_1' } }, 'prompt'],
  ['the background', { background: true }, 'background'],
  ['an item that a provider keeps', { input: [...body.input, { type: 'item_reference', id: 'msg_1' }] }, 'input.1'],
  ['a thought that it keeps', { input: [...body.input, { id: 'rs_1' }] }, 'input.1'],
  ['several answers', { n: 2 }, 'n'],
  ['words to stop at', { stop: ['END'] }, 'stop'],
  ['a chat\'s form of the answer', { response_format: { type: 'json_object' } }, 'response_format'],
  ['a chat\'s oldest tools', { functions: [{ name: 'read_file' }] }, 'functions'],
  ['sound', { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'wav' } }, 'audio'],
  ['no limit at all', { max_tokens: 0 }, 'max_tokens'],
  ['an input of another type', { input: 5 }, 'input'],
  ['items of another type', { input: ['Hi'] }, 'input'],
  ['tools of another type', { tools: 'all' }, 'tools']
])('is refused as it is read: %s', (_, rest, param) => {
  expect(() => parseCall(chatCompletions, { ...body, ...rest })).toThrow(expect.objectContaining({ code: 'invalid_request', param }))
})

test.each([{ type: 'web_search' }, { type: 'code_interpreter', container: { type: 'auto' } }, { type: 'mcp', server_label: 'x', server_url: 'https://x.example' }])('a tool that the provider runs is refused: %j', (tool) => {
  expect(() => parseCall(chatCompletions, { ...body, tools: [readFile, tool] })).toThrow(expect.objectContaining({ code: 'invalid_request', message: expect.stringContaining(tool.type) }))
  expect(() => parseCall(chatCompletions, { ...body, input: [...body.input, { type: 'additional_tools', tools: [tool] }] })).toThrow(LoomError)
})

test.each<[string, unknown[], string]>([
  ['parts that are none', [{ role: 'user', content: [{ type: 'input_text', text: 5 }] }], 'input.0.content.0.text'],
  ['a call without a name', [{ type: 'function_call', call_id: 'c1', arguments: '{}' }], 'input.0.name'],
  ['no item at all', [], 'input']
])('is refused before any provider is asked: %s', async (_, input, param) => {
  const { target, asked } = chatTarget('{}')
  await expect((async () => attempt(parseCall(chatCompletions, { ...body, input }), target))()).rejects.toMatchObject({ code: 'invalid_request', param })
  expect(asked).toEqual([])
})

test('a body with messages is a chat, whatever else is in it, and one without either is told that they are missing', async () => {
  const { target, asked } = chatTarget('{"choices":[{"message":{"content":"Hi"}}]}')
  const chat = { model: 'm', messages: [{ role: 'user', content: 'Hi' }], input: 'Hello' }
  await attempt(parseCall(chatCompletions, chat), target)
  expect(asked).toMatchObject([{ messages: chat.messages, input: 'Hello' }])
  for (const none of [{}, { messages: [] }, { input: null }, { messages: 'Hi', input: 'Hi' }]) expect(() => parseCall(chatCompletions, { model: 'm', ...none })).toThrow(expect.objectContaining({ param: 'messages' }))
})
