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
const Chunk = z.object({ choices: z.array(z.object({ delta: z.looseObject({ tool_calls: z.array(z.object({ index: z.number(), function: z.looseObject({ name: z.string().nullish(), arguments: z.string().nullish() }) })).optional() }) })) })

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

test('no provider is asked by its Responses API, and a model without another is told so', async () => {
  const { target, asked } = nativeTarget('openai')
  const request = parseCall(chatCompletions, { model: 'm', input: 'Hi', stream: true })
  expect(await request.reachable?.([target])).toEqual([target])
  await expect(sendCall(request, { ...target, servedModel: 'gpt-5.1-codex' })).rejects.toMatchObject({ code: 'invalid_request', param: 'model' })
  expect(asked).toEqual([])
})

test.each<[string, object, string]>([
  ['an earlier answer', { previous_response_id: 'resp_1' }, 'previous_response_id'],
  ['a conversation', { conversation: 'conv_1' }, 'conversation'],
  ['a stored prompt', { prompt: { id: 'pmpt_1' } }, 'prompt'],
  ['the background', { background: true }, 'background'],
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
  ['an item that a provider keeps', [{ type: 'item_reference', id: 'msg_1' }], 'input.0.id'],
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
