import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { chatCompletions } from '../../../server/gateway/operations/chat-completions'
import { responses } from '../../../server/gateway/operations/responses'
import { attempt, chatStream, chatTarget, nativeTarget, parseCall, targetOf } from '../../support/operation-calls'
import { eventsIn } from '../../support/provider-calls'

const grammar = 'start: "*** Begin Patch" LF /.+/s'
const applyPatch = { type: 'custom', name: 'apply_patch', description: 'Edits files. Do not wrap the patch in JSON.', format: { type: 'grammar', syntax: 'lark', definition: grammar } }
const listIssues = { type: 'function', name: 'list_issues', description: 'Lists issues', parameters: { type: 'object', properties: { repo: { type: 'string' } } }, strict: false }
const github = { type: 'namespace', name: 'mcp__github', description: 'Issues of GitHub.', tools: [listIssues] }
const shell = { type: 'function', name: 'shell', parameters: { type: 'object', properties: {} } }

const Asked = z.looseObject({ messages: z.array(z.looseObject({ role: z.string(), content: z.unknown() })), tools: z.array(z.object({ type: z.literal('function'), function: z.looseObject({ name: z.string() }) })).optional(), tool_choice: z.unknown().optional() })
const Answer = z.looseObject({ output: z.array(z.looseObject({ id: z.string() })) })

/** What a model that chats is asked, and how its answer comes back. */
async function ask(body: object, calls: [string, string][] = []) {
  const toolCalls = calls.map(([name, written], index) => ({ id: `call_${index}`, type: 'function', function: { name, arguments: written } }))
  const { target, asked } = chatTarget(JSON.stringify({ choices: [{ message: { content: calls.length > 0 ? null : 'Hi', tool_calls: toolCalls }, finish_reason: 'stop' }] }))
  const answer = await attempt(parseCall(responses, { model: 'm', input: 'Hi', ...body }), target)
  return { asked: Asked.parse(asked[0]), output: Answer.parse(JSON.parse(String(answer))).output }
}

/** The names under which a model that chats knows tools. */
const namesOf = async (tools: object[]) => (await ask({ tools })).asked.tools?.map(tool => tool.function.name) ?? []

describe('a model that chats', () => {
  test('is told of a custom tool as a function of one text, and of its grammar in words', async () => {
    const { asked } = await ask({ tools: [applyPatch, { type: 'custom', name: 'note' }], tool_choice: { type: 'custom', name: 'apply_patch' } })
    expect(asked.tools).toMatchObject([
      { function: { name: 'apply_patch', description: expect.stringMatching(/^Edits files[^]*"input"[^]*lark grammar:\nstart: /), parameters: { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] } } },
      { function: { name: 'note', description: expect.stringContaining('"input"') } }
    ])
    expect(asked.tool_choice).toEqual({ type: 'function', function: { name: 'apply_patch' } })
  })

  test('calls it, and the caller gets the text', async () => {
    const { output } = await ask({ tools: [applyPatch] }, [['apply_patch', '{"input":"*** Begin Patch\\n"}'], ['apply_patch', 'no JSON']])
    expect(output).toEqual([
      { id: expect.stringMatching(/^ctc_/), type: 'custom_tool_call', status: 'completed', call_id: 'call_0', name: 'apply_patch', input: '*** Begin Patch\n' },
      { id: expect.stringMatching(/^ctc_/), type: 'custom_tool_call', status: 'completed', call_id: 'call_1', name: 'apply_patch', input: 'no JSON' }
    ])
  })

  test('is told of a namespace once, and of its tools by names of both, which the caller never sees', async () => {
    const tools = [shell, { ...github, tools: [listIssues, { type: 'custom', name: 'query' }] }]
    const { asked, output } = await ask({ tools, instructions: 'Be kind.' }, [['mcp__github__list_issues', '{"repo":"a"}'], ['mcp__github__query', '{"input":"open"}'], ['shell', ''], ['unheard_of', '{}']])
    expect(asked.tools).toMatchObject([{ function: { name: 'shell' } }, { function: { name: 'mcp__github__list_issues', description: listIssues.description, parameters: listIssues.parameters, strict: false } }, { function: { name: 'mcp__github__query' } }])
    expect(String(asked.messages[0]?.content)).toMatch(/^Be kind\.\n\nFunctions whose names begin with "mcp__github__": Issues of GitHub\.$/)
    expect(output).toEqual([
      { id: expect.stringMatching(/^fc_/), type: 'function_call', status: 'completed', call_id: 'call_0', name: 'list_issues', namespace: 'mcp__github', arguments: '{"repo":"a"}' },
      { id: expect.stringMatching(/^ctc_/), type: 'custom_tool_call', status: 'completed', call_id: 'call_1', name: 'query', namespace: 'mcp__github', input: 'open' },
      { id: expect.any(String), type: 'function_call', status: 'completed', call_id: 'call_2', name: 'shell', arguments: '{}' },
      { id: expect.any(String), type: 'function_call', status: 'completed', call_id: 'call_3', name: 'unheard_of', arguments: '{}' }
    ])
  })

  test('is told of earlier calls as it knows their tools, also of those that are gone', async () => {
    const { asked } = await ask({ tools: [applyPatch, github], input: [
      { role: 'user', content: 'Fix it' },
      { type: 'custom_tool_call', id: 'ctc_1', status: 'completed', call_id: 'a', name: 'apply_patch', input: '*** Begin "Patch"\n' },
      { type: 'function_call', call_id: 'b', name: 'list_issues', namespace: 'mcp__github', arguments: '{}' },
      { type: 'function_call', call_id: 'c', name: 'read', namespace: 'mcp__gone__', arguments: '{}' },
      { type: 'custom_tool_call_output', call_id: 'a', output: 'Done' },
      { type: 'function_call_output', call_id: 'b', output: 'None' },
      { type: 'custom_tool_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'Look' }, { type: 'input_image', image_url: 'https://x.example/a.png' }] },
      { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'cats' } }
    ] })
    const called = (id: string, name: string, written: string) => ({ id, type: 'function', function: { name, arguments: written } })
    expect(asked.messages.slice(1)).toEqual([
      { role: 'user', content: 'Fix it' },
      { role: 'assistant', content: null, tool_calls: [called('a', 'apply_patch', '{"input":"*** Begin \\"Patch\\"\\n"}'), called('b', 'mcp__github__list_issues', '{}'), called('c', 'mcp__gone__read', '{}')] },
      { role: 'tool', tool_call_id: 'a', content: 'Done' }, { role: 'tool', tool_call_id: 'b', content: 'None' }, { role: 'tool', tool_call_id: 'c', content: 'Look' },
      { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://x.example/a.png' } }] }
    ])
  })

  test('is told of tools that came along with the conversation, as they were told last', async () => {
    const brought = (...tools: object[]) => ({ type: 'additional_tools', role: 'developer', tools })
    const { asked, output } = await ask({ input: [brought({ type: 'namespace', name: 'functions', tools: [applyPatch, shell] }), { role: 'user', content: 'Hi' }, brought({ type: 'namespace', name: 'functions', tools: [{ ...shell, description: 'newer' }] })] }, [['functions__apply_patch', '{"input":"a"}']])
    expect(asked.tools).toMatchObject([{ function: { name: 'functions__apply_patch' } }, { function: { name: 'functions__shell', description: 'newer' } }])
    expect(output).toMatchObject([{ type: 'custom_tool_call', namespace: 'functions', name: 'apply_patch', input: 'a' }])
  })

  test('said words between calls and their results in one message with the calls', async () => {
    const { asked } = await ask({ input: [
      { role: 'user', content: 'Hi' }, { type: 'function_call', call_id: 'a', name: 'shell', arguments: '{}' }, { role: 'assistant', content: 'Let me look.' }, { type: 'function_call_output', call_id: 'a', output: 'Done' }
    ] })
    expect(asked.messages).toMatchObject([{ role: 'user' }, { role: 'assistant', content: 'Let me look.', tool_calls: [{ id: 'a' }] }, { role: 'tool' }])
  })
})

test('a call of a custom tool that was cut off is told as incomplete, and those before it are not', async () => {
  const tool_calls = ['{"input":"a"}', '{"input":"half'].map((written, index) => ({ id: `call_${index}`, type: 'function', function: { name: 'apply_patch', arguments: written } }))
  const { target } = chatTarget(JSON.stringify({ choices: [{ message: { content: null, tool_calls }, finish_reason: 'length' }] }))
  const answer = await attempt(parseCall(responses, { model: 'm', input: 'Hi', tools: [applyPatch] }), target)
  expect(JSON.parse(String(answer))).toMatchObject({ status: 'incomplete', output: [{ status: 'completed', input: 'a' }, { status: 'incomplete', input: 'half' }] })
})

test('what says nothing, between results of tools, parts neither them nor a thought from its call', async () => {
  const called = (id: string) => ({ type: 'function_call', call_id: id, name: 'shell', arguments: '{}' })
  const thought = (text: string) => ({ type: 'reasoning', summary: [{ type: 'summary_text', text }] })
  const { target, asked } = chatTarget('{}', { serves: 'deepseek-chat' })
  const input = [
    { role: 'user', content: 'Hi' }, thought('First.'), called('a'), thought(' Second.'), called('b'), thought(' Third.'), { role: 'assistant', content: 'Let me look.' },
    { type: 'function_call_output', call_id: 'a', output: [{ type: 'input_image', image_url: 'https://x.example/a.png' }] }, { type: 'additional_tools', tools: [shell] }, { type: 'web_search_call' },
    { type: 'function_call_output', call_id: 'b', output: 'Done' }, thought('Fourth.'), called('c'), { type: 'function_call_output', call_id: 'c', output: 'Done' }
  ]
  await attempt(parseCall(responses, { model: 'm', input }), target).catch(() => undefined)
  expect(Asked.parse(asked[0]).messages).toMatchObject([
    { role: 'user' }, { role: 'assistant', content: 'Let me look.', reasoning_content: 'First. Second. Third.', tool_calls: [{ id: 'a' }, { id: 'b' }] }, { role: 'tool', tool_call_id: 'a' }, { role: 'tool', tool_call_id: 'b' },
    { role: 'user', content: [{ type: 'image_url' }] }, { role: 'assistant', reasoning_content: 'Fourth.', tool_calls: [{ id: 'c' }] }, { role: 'tool', tool_call_id: 'c' }
  ])
})

describe('the names of a namespace\'s tools', () => {
  const inside = (namespace: string, ...names: string[]) => ({ type: 'namespace', name: namespace, tools: names.map(name => ({ type: 'function', name })) })
  const valid = /^[\w-]{1,64}$/

  test('are as OpenAI takes them, and each tool\'s own', async () => {
    const tools = [{ type: 'function', name: 'a__b__c' }, inside('a', 'b__c', 'ünsäglich'), inside('a__b', 'c'), inside('a__', 'plain'), inside('long', 'x'.repeat(100), `${'x'.repeat(100)}y`), inside('a.b', 'd'), inside('a_b', 'd')]
    const names = await namesOf(tools)
    expect(new Set(names).size).toBe(9)
    for (const name of names) expect(name).toMatch(valid)
    expect(names).toEqual(expect.arrayContaining(['a__b__c', 'a___ns_glich', 'a__plain']))
    const { output } = await ask({ tools }, names.map(name => [name, '{}']))
    expect(output.map(({ namespace, name }) => [namespace, name])).toEqual([
      [undefined, 'a__b__c'], ['a', 'b__c'], ['a', 'ünsäglich'], ['a__b', 'c'], ['a__', 'plain'], ['long', 'x'.repeat(100)], ['long', `${'x'.repeat(100)}y`], ['a.b', 'd'], ['a_b', 'd']
    ])
  })

  test('are the same in every turn, whatever other tools there are, and in earlier calls', async () => {
    const long = inside('mcp__github', 'x'.repeat(80))
    const [name] = await namesOf([long])
    expect(await namesOf([shell, long, github])).toContain(name)
    const { asked } = await ask({ tools: [github], input: [{ type: 'function_call', call_id: 'a', namespace: 'mcp__github', name: 'x'.repeat(80), arguments: '{}' }] })
    expect(asked.messages).toContainEqual(expect.objectContaining({ tool_calls: [expect.objectContaining({ function: { name, arguments: '{}' } })] }))
    const clash = await ask({ tools: [{ type: 'function', name: 'a__b' }], input: [{ type: 'function_call', call_id: 'a', namespace: 'a', name: 'b', arguments: '{}' }] })
    expect(JSON.stringify(clash.asked.messages)).toMatch(/"name":"a__b_[0-9a-f]{8}"/)
  })
})

test('a call of a custom tool streams its text, its events as OpenAI writes them', async () => {
  const call = (rest: object) => ({ tool_calls: [{ index: 0, ...rest }] })
  const chat = chatStream([call({ id: 'a', function: { name: 'mcp__ns__apply_patch', arguments: '' } }), ...['{"in', 'put":"*** Begin', '\\', 'nPatch"', '}'].map(written => call({ function: { arguments: written } })), { tool_calls: [{ index: 1, id: 'b', function: { name: 'mcp__ns__apply_patch', arguments: '{"diff":1}' } }] }], { finish: 'tool_calls' })
  const request = parseCall(responses, { model: 'm', input: 'Hi', stream: true, tools: [{ type: 'namespace', name: 'mcp__ns', tools: [applyPatch] }] })
  const events = eventsIn(String(await attempt(request, chatTarget(chat).target))).map((data): Record<string, unknown> => JSON.parse(data))
  const id = expect.stringMatching(/^ctc_/)
  const called = (callId: string, status: string, input: string) => ({ id, type: 'custom_tool_call', status, call_id: callId, name: 'apply_patch', namespace: 'mcp__ns', input })
  const told = (at: number, type: string, rest: object) => ({ type: `response.${type}`, sequence_number: expect.any(Number), output_index: at, ...rest })
  expect(events.slice(2, -1)).toEqual([
    told(0, 'output_item.added', { item: called('a', 'in_progress', '') }),
    ...['*** Begin', '\nPatch'].map(delta => told(0, 'custom_tool_call_input.delta', { item_id: id, delta })),
    told(0, 'custom_tool_call_input.done', { item_id: id, input: '*** Begin\nPatch' }),
    told(0, 'output_item.done', { item: called('a', 'completed', '*** Begin\nPatch') }),
    told(1, 'output_item.added', { item: called('b', 'in_progress', '') }),
    told(1, 'custom_tool_call_input.delta', { item_id: id, delta: '{"diff":1}' }),
    told(1, 'custom_tool_call_input.done', { item_id: id, input: '{"diff":1}' }),
    told(1, 'output_item.done', { item: called('b', 'completed', '{"diff":1}') })
  ])
  expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { output: [called('a', 'completed', '*** Begin\nPatch'), called('b', 'completed', '{"diff":1}')] } })
})

describe('what is held for them', () => {
  const tools = [...Array.from({ length: 40 }, (_, index) => ({ type: 'custom', name: `t${index}` })), { type: 'namespace', name: 'n'.repeat(60), tools: Array.from({ length: 40 }, (_, index) => ({ type: 'function', name: `f${index}` })) }]

  test('covers all that a model which chats is told', async () => {
    const request = parseCall(responses, { model: 'm', input: 'Hi', tools })
    const { target, asked } = chatTarget('{}')
    await attempt(request, target).catch(() => undefined)
    expect(request.bound(target).inputTokens).toBeGreaterThanOrEqual(JSON.stringify(asked[0]?.tools).length)
    expect((await request.countClosely?.())?.tokens).toBeGreaterThanOrEqual(JSON.stringify(asked[0]?.tools).length - JSON.stringify(tools).length)
  })

  test('is the body alone where the provider knows such tools itself', () => {
    const body = { model: 'm', input: 'Hi', tools }
    expect(parseCall(responses, body).bound(targetOf('openai', 'm')).inputTokens).toBe(JSON.stringify(body).length)
  })
})

test.each(['additional_tools', 'tool_search_output'])('tools that the provider bills by use are seen in an item (%s), too', (type) => {
  const request = parseCall(responses, { model: 'm', input: [{ type, role: 'developer', tools: [shell, { type: 'web_search' }] }] })
  const { target } = nativeTarget('openai')
  expect(request.unpriced?.(target)).toContain('web_search')
  expect(request.bound(targetOf('openai', 'm', { contextWindow: 400_000 })).inputTokens).toBe(400_000)
})

test('a search among tools that the caller runs itself, as Codex does, is billed by tokens alone, asked for and told', () => {
  const search = (execution: string) => parseCall(responses, { model: 'm', input: 'Hi', tools: [shell, { type: 'tool_search', execution }] })
  const { target } = nativeTarget('openai')
  expect(search('client').unpriced?.(target)).toBeUndefined()
  expect(search('server').unpriced?.(target)).toContain('tool_search')
  expect(parseCall(chatCompletions, { model: 'm', messages: [{ role: 'user', content: 'Hi' }], tools: [{ type: 'tool_search', execution: 'client' }] }).unpriced?.(target)).toContain('tool_search')
  const answer = (execution: string) => Buffer.from(JSON.stringify({ object: 'response', output: [], tools: [{ type: 'tool_search', execution }] }))
  expect(['client', 'server'].map(execution => search(execution).readAnswer(answer(execution), {}).surcharge)).toEqual([undefined, 'tools'])
})
