import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { toMessagesBody } from '../../../server/gateway/providers/anthropic-request'

const model = 'claude-sonnet-4-5'
const translate = (body: Record<string, unknown>, upstreamModel = model) => toMessagesBody({ body: { messages: [{ role: 'user', content: 'Hi' }], ...body }, upstreamModel, stream: body.stream === true })
const tool = (name: string) => ({ type: 'function', function: { name, description: `Does ${name}`, parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } })

test('asks for a limit even when the caller sets none, and prefers max_completion_tokens', () => {
  expect(translate({}).max_tokens).toBe(8_192)
  expect(translate({ max_tokens: 5 }).max_tokens).toBe(5)
  expect(translate({ max_tokens: 5, max_completion_tokens: 6 }).max_tokens).toBe(6)
})

test('asks for no more than the model can write', () => {
  expect(translate({ max_tokens: 100_000 }).max_tokens).toBe(64_000)
  expect(translate({ max_tokens: 100_000 }, 'claude-opus-4-6').max_tokens).toBe(100_000)
})

test('a conversation that ends with the model\'s words has it go on, where it takes none to go on from', () => {
  const messages = [{ role: 'user', content: 'Count' }, { role: 'assistant', content: 'One, two,' }]
  const last = (upstreamModel: string, more: object[] = []) => z.array(z.unknown()).parse(translate({ messages: [...messages, ...more] }, upstreamModel).messages).at(-1)
  for (const newest of ['claude-opus-4-6', 'claude-sonnet-5', 'claude-opus-4-7']) expect(last(newest)).toEqual({ role: 'user', content: [{ type: 'text', text: 'Continue.' }] })
  expect(last('claude-sonnet-4-5')).toEqual({ role: 'assistant', content: [{ type: 'text', text: 'One, two,' }] })
  expect(last('claude-opus-4-6', [{ role: 'user', content: 'Go on' }])).toEqual({ role: 'user', content: [{ type: 'text', text: 'Go on' }] })
})

test.each<[string, object, object]>([
  ['claude-opus-4-7', { type: 'enabled', budget_tokens: 2_000 }, { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'low' } }],
  ['claude-sonnet-5', { type: 'enabled', budget_tokens: 8_000 }, { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'medium' } }],
  ['claude-sonnet-5', { type: 'enabled', budget_tokens: 30_000 }, { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'high' } }],
  ['claude-opus-4-6', { type: 'enabled', budget_tokens: 8_000 }, { thinking: { type: 'enabled', budget_tokens: 8_000 } }],
  ['claude-sonnet-4-5', { type: 'adaptive' }, { thinking: { type: 'enabled', budget_tokens: 16_000 } }],
  ['claude-3-5-haiku-20241022', { type: 'enabled', budget_tokens: 2_000 }, {}],
  ['claude-3-5-haiku-20241022', { type: 'adaptive' }, {}]
])('%s is asked to think in its own words: %j', (upstreamModel, thinking, expected) => {
  const { thinking: asked, output_config: config } = translate({ max_tokens: 32_000, thinking }, upstreamModel)
  expect({ ...asked !== undefined && { thinking: asked }, ...config !== undefined && { output_config: config } }).toEqual(expected)
})

test('takes system and developer messages out of the conversation, in order', () => {
  const { system, messages } = translate({ messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hi' },
    { role: 'developer', content: [{ type: 'text', text: 'Be kind.', cache_control: { type: 'ephemeral', ttl: '1h' } }] }
  ] })
  expect(system).toEqual([{ type: 'text', text: 'Be brief.' }, { type: 'text', text: 'Be kind.', cache_control: { type: 'ephemeral', ttl: '1h' } }])
  expect(messages).toEqual([{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }])
})

test('turns a conversation with parallel tool calls into alternating turns, all results in one', () => {
  const call = (id: string, json: string) => ({ id, type: 'function', function: { name: 'get_weather', arguments: json } })
  const { messages, tools } = translate({ tools: [tool('get_weather')], messages: [
    { role: 'user', content: 'Weather?' },
    { role: 'assistant', content: '', tool_calls: [call('a', '{"city":"Bern"}'), call('b', '')] },
    { role: 'tool', tool_call_id: 'a', content: 'sunny' },
    { role: 'tool', tool_call_id: 'b', content: [{ type: 'text', text: 'rain' }] },
    { role: 'user', content: 'Thanks' }
  ] })
  expect(tools).toEqual([{ name: 'get_weather', description: 'Does get_weather', input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } }])
  expect(messages).toEqual([
    { role: 'user', content: [{ type: 'text', text: 'Weather?' }] },
    { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'get_weather', input: { city: 'Bern' } }, { type: 'tool_use', id: 'b', name: 'get_weather', input: {} }] },
    { role: 'user', content: [
      { type: 'tool_result', tool_use_id: 'a', content: 'sunny' },
      { type: 'tool_result', tool_use_id: 'b', content: 'rain' },
      { type: 'text', text: 'Thanks' }
    ] }
  ])
})

test('keeps the marks of a cache, on the result of a tool, on its call and on the whole request', () => {
  const mark = { cache_control: { type: 'ephemeral' } }
  const text = (marked: object = {}) => ({ type: 'text', text: 'long', ...marked })
  const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } }
  const results = (...contents: unknown[]) => translate({ messages: [
    { role: 'user', content: 'Go' },
    { role: 'assistant', content: null, tool_calls: [{ id: 'a', type: 'function', function: { name: 'find', arguments: '{}' }, ...mark }] },
    ...contents.map(content => ({ role: 'tool', tool_call_id: 'a', ...typeof content === 'object' && content !== null && 'content' in content ? content : { content } }))
  ] }).messages
  expect(results([text(mark)], [text(mark), text()], 'plain', { content: 'whole', ...mark }, [text(), image])).toEqual([
    { role: 'user', content: [{ type: 'text', text: 'Go' }] },
    { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'find', input: {}, ...mark }] },
    { role: 'user', content: [
      { type: 'tool_result', tool_use_id: 'a', content: 'long', ...mark },
      { type: 'tool_result', tool_use_id: 'a', content: 'long\nlong', ...mark },
      { type: 'tool_result', tool_use_id: 'a', content: 'plain' },
      { type: 'tool_result', tool_use_id: 'a', content: 'whole', ...mark },
      { type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text', text: 'long' }, { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }] }
    ] }
  ])
  expect(translate(mark)).toMatchObject(mark)
  expect(translate({ cache_control: null })).not.toHaveProperty('cache_control')
})

test.each([
  ['auto', {}, { type: 'auto' }],
  ['none', {}, { type: 'none' }],
  ['required', {}, { type: 'any' }],
  ['required', { parallel_tool_calls: false }, { type: 'any', disable_parallel_tool_use: true }],
  [{ type: 'function', function: { name: 'a' } }, {}, { type: 'tool', name: 'a' }],
  [undefined, { parallel_tool_calls: false }, { type: 'auto', disable_parallel_tool_use: true }],
  [undefined, {}, undefined]
])('tool_choice %j with %j becomes %j', (toolChoice, rest, expected) => {
  expect(translate({ tools: [tool('a')], tool_choice: toolChoice, ...rest }).tool_choice).toEqual(expected)
})

test('takes images as data URLs and links, and PDF files', () => {
  const { messages } = translate({ messages: [{ role: 'user', content: [
    { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw==' } },
    { type: 'image_url', image_url: { url: 'https://example.com/a.jpg' } },
    { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERg==' } }
  ] }] })
  expect(messages).toEqual([{ role: 'user', content: [
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw==' } },
    { type: 'image', source: { type: 'url', url: 'https://example.com/a.jpg' } },
    { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERg==' } }
  ] }])
})

test('shows pictures that another model drew as the user\'s, after the results of tools', () => {
  const image = { type: 'image_url', image_url: { url: 'data:image/jpg;base64,iVBORw==' } }
  const shown = { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: 'iVBORw==' } }
  const call = { id: 'a', type: 'function', function: { name: 'look', arguments: '{}' } }
  expect(translate({ messages: [{ role: 'user', content: 'Draw' }, { role: 'assistant', content: 'Here', images: [image] }, { role: 'user', content: 'Red?' }] }).messages)
    .toEqual([{ role: 'user', content: [{ type: 'text', text: 'Draw' }] }, { role: 'assistant', content: [{ type: 'text', text: 'Here' }] }, { role: 'user', content: [shown, { type: 'text', text: 'Red?' }] }])
  expect(translate({ messages: [{ role: 'user', content: 'Draw' }, { role: 'assistant', images: [image], tool_calls: [call] }, { role: 'tool', tool_call_id: 'a', content: 'x' }] }).messages)
    .toMatchObject([{}, { content: [{ type: 'tool_use' }] }, { content: [{ type: 'tool_result' }, shown] }])
})

test('asks what the instructions say where there is nothing else', () => {
  const { system, messages } = translate({ messages: [{ role: 'system', content: 'Tell a joke.' }] })
  expect({ system, messages }).toEqual({ messages: [{ role: 'user', content: [{ type: 'text', text: 'Tell a joke.' }] }] })
})

test.each([['\n'], [['END', ' ']]])('refuses to stop at %j, where Claude cannot', (stop) => {
  expect(() => translate({ stop })).toThrow(expect.objectContaining({ code: 'invalid_request', param: 'stop' }))
})

test('takes what a tool shows into its result', () => {
  const call = { id: 'a', type: 'function', function: { name: 'look', arguments: '{}' } }
  const { messages } = translate({ messages: [
    { role: 'assistant', tool_calls: [call] },
    { role: 'tool', tool_call_id: 'a', content: [{ type: 'text', text: 'A cat:' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw==' } }] }
  ] })
  expect(messages).toMatchObject([{}, { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: [
    { type: 'text', text: 'A cat:' },
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw==' } }
  ] }] }])
})

test('gives calls of other models ids that Claude takes, the same in call and result', () => {
  const call = (id: string) => ({ id, type: 'function', function: { name: 'look', arguments: '{}' } })
  const result = (id: string) => ({ role: 'tool', tool_call_id: id, content: 'x' })
  const ids = ['functions.look:0', 'functions_look:0', 'call_1']
  const { messages } = translate({ messages: [{ role: 'assistant', tool_calls: ids.map(call) }, ...ids.map(result)] })
  const fixed = [expect.stringMatching(/^functions_look_0_[0-9a-f]{8}$/), expect.stringMatching(/^functions_look_0_[0-9a-f]{8}$/), 'call_1']
  expect(messages).toMatchObject([{ content: fixed.map(id => ({ id })) }, { content: fixed.map(id => ({ tool_use_id: id })) }])
  const [first, second] = z.tuple([z.object({ content: z.array(z.object({ id: z.string() })) }), z.object({ content: z.array(z.object({ tool_use_id: z.string() })) })]).parse(messages)
  expect(first.content.map(({ id }) => id)).toEqual(second.content.map(({ tool_use_id: id }) => id))
  expect(new Set(first.content.map(({ id }) => id))).toHaveLength(3)
})

test('leaves out what other models thought, and takes texts by the names the Responses API has for them', () => {
  const { system, messages } = translate({ messages: [
    { role: 'system', content: [{ type: 'input_text', text: 'Be kind.' }] },
    { role: 'user', content: [{ type: 'input_text', text: 'Hi' }] },
    { role: 'assistant', content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] }, { type: 'output_text', text: 'Hello' }] }
  ] })
  expect(system).toEqual([{ type: 'text', text: 'Be kind.' }])
  expect(messages).toEqual([{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }, { role: 'assistant', content: [{ type: 'text', text: 'Hello' }] }])
})

test('leaves out texts of nothing but spaces and line breaks, which Claude refuses at every later turn', () => {
  const { system, messages } = translate({ messages: [
    { role: 'system', content: ' \n' },
    { role: 'user', content: [{ type: 'text', text: '\t' }, { type: 'text', text: ' Hi ' }] },
    { role: 'assistant', content: '\n\n', tool_calls: [{ id: 'a', type: 'function', function: { name: 'look', arguments: '{}' } }] },
    { role: 'tool', tool_call_id: 'a', content: 'x' }
  ] })
  expect(system).toBeUndefined()
  expect(messages).toMatchObject([{ role: 'user', content: [{ text: ' Hi ' }] }, { role: 'assistant', content: [{ type: 'tool_use' }] }, { role: 'user' }])
})

test('keeps stop, sampling and user, within Anthropic\'s ranges', () => {
  expect(translate({ stop: 'END', temperature: 1.7, user: 'u1' })).toMatchObject({ stop_sequences: ['END'], temperature: 1, metadata: { user_id: 'u1' } })
})

test.each<[string, Record<string, unknown>, object]>([
  ['claude-sonnet-4-5', { temperature: 0.7, top_p: 0.9 }, { temperature: 0.7 }],
  ['claude-opus-4-1-20250805', { temperature: 0, top_p: 0.9 }, { temperature: 0 }],
  // What Claude does unasked says less than top_p.
  ['claude-sonnet-4-6', { temperature: 1, top_p: 0.9 }, { top_p: 0.9 }],
  ['claude-sonnet-4-6', { temperature: 0.5, top_p: 1 }, { temperature: 0.5 }],
  ['claude-sonnet-4-6', { top_p: 0.9 }, { top_p: 0.9 }],
  ['claude-sonnet-4-20250514', { temperature: 1.7, top_p: 0.9 }, { temperature: 1, top_p: 0.9 }],
  ['claude-opus-4-8', { temperature: 0.7, top_p: 0.9 }, {}],
  ['claude-sonnet-4-5', { temperature: 0.7, thinking: { type: 'disabled' } }, { temperature: 0.7, thinking: { type: 'disabled' } }],
  ['claude-sonnet-4-5', { temperature: 0.7, thinking: { type: 'enabled', budget_tokens: 2_000 } }, { thinking: { type: 'enabled', budget_tokens: 2_000 } }]
])('samples as %s takes it: %j becomes %j', (upstreamModel, body, expected) => {
  const { temperature, top_p: topP, thinking } = translate(body, upstreamModel)
  expect(JSON.parse(JSON.stringify({ temperature, top_p: topP, thinking }))).toEqual(expected)
})

const called = [
  { role: 'user', content: 'Weather?' },
  { role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: { name: 'look', arguments: '{}' } }] },
  { role: 'tool', tool_call_id: 'a', content: 'sunny' }
]

describe('thinking with a budget', () => {
  const thinking = (tokens: number) => ({ thinking: { type: 'enabled', budget_tokens: tokens } })

  test.each([
    ['leaves room for an answer where no limit is set', thinking(10_000), { max_tokens: 18_192, ...thinking(10_000) }],
    ['and no more than the model can write', thinking(64_000), { max_tokens: 64_000, ...thinking(63_999) }],
    ['is less than the limit', { max_tokens: 4_000, ...thinking(10_000) }, { max_tokens: 4_000, ...thinking(3_999) }],
    ['is as asked within the limit', { max_tokens: 20_000, ...thinking(10_000) }, { max_tokens: 20_000, ...thinking(10_000) }]
  ])('%s', (_, body, expected) => {
    expect(translate(body)).toMatchObject(expected)
  })

  test.each<[string, Record<string, unknown>]>([
    ['the limit leaves less than Claude takes', { max_tokens: 500, temperature: 0.5, ...thinking(10_000) }],
    ['the model goes on from a result, for its signed thought is not there', { messages: called, temperature: 0.5, ...thinking(10_000) }]
  ])('is left out where %s', (_, body) => {
    expect(translate(body)).not.toHaveProperty('thinking')
    expect(translate(body)).toHaveProperty('temperature', 0.5)
  })

  test('of other forms is the caller\'s own', () => {
    expect(translate({ messages: called, thinking: { type: 'adaptive' } }, 'claude-opus-4-8')).toHaveProperty('thinking', { type: 'adaptive' })
  })
})

describe('reasoning_effort', () => {
  test('becomes a share of the limit where thinking has a budget, without sampling', () => {
    const body = translate({ reasoning_effort: 'medium', max_tokens: 10_000, temperature: 0.5 })
    expect(body).toMatchObject({ thinking: { type: 'enabled', budget_tokens: 5_000 } })
    expect(body).not.toHaveProperty('temperature')
  })

  test('becomes adaptive thinking with an effort on newer models, which take no sampling either', () => {
    const body = translate({ reasoning_effort: 'xhigh', temperature: 0.5 }, 'claude-opus-4-8')
    expect(body).toMatchObject({ thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'xhigh' } })
    expect(body).not.toHaveProperty('temperature')
  })

  test('is thought about again once the model has answered, and on newer models at any time', () => {
    const messages = [...called, { role: 'assistant', content: 'Sunny.' }, { role: 'user', content: 'And tomorrow?' }]
    expect(translate({ messages, reasoning_effort: 'high' })).toHaveProperty('thinking.type', 'enabled')
    expect(translate({ messages: called, reasoning_effort: 'high' }, 'claude-sonnet-4-6')).toHaveProperty('thinking.type', 'adaptive')
  })

  test.each([
    ['the model goes on from a result', { messages: called, reasoning_effort: 'high' }, model],
    ['a note follows the result', { messages: [...called, { role: 'user', content: 'Be brief.' }], reasoning_effort: 'high' }, model],
    ['an instruction follows the result', { messages: [...called, { role: 'developer', content: 'Be brief.' }], reasoning_effort: 'high' }, model],
    ['the model goes on from its own words', { messages: [{ role: 'user', content: 'Hi' }, { role: 'assistant', content: 'Hello,' }], reasoning_effort: 'high' }, model],
    ['the limit leaves too little room', { max_tokens: 2_000, reasoning_effort: 'low' }, model],
    ['a tool is forced', { tools: [tool('a')], tool_choice: 'required', reasoning_effort: 'high' }, model],
    ['the model cannot think', { reasoning_effort: 'high' }, 'claude-3-5-haiku-latest'],
    ['the caller says none', { reasoning_effort: 'none' }, 'claude-opus-5']
  ])('is left out when %s', (_reason, body, upstreamModel) => {
    expect(translate(body, upstreamModel)).not.toHaveProperty('thinking')
  })
})

test('asks for JSON by schema where there is one, in words where there is none', () => {
  const schema = { type: 'object', properties: { a: { type: 'number' } } }
  expect(translate({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } })).toMatchObject({ output_config: { format: { type: 'json_schema', schema } } })
  expect(translate({ response_format: { type: 'json_object' } })).toMatchObject({ system: [{ text: expect.stringContaining('one JSON object') }] })
})

test.each([
  ['n', { n: 2 }],
  ['logprobs', { logprobs: true }],
  ['functions', { functions: [{ name: 'a' }] }],
  ['modalities.1', { modalities: ['text', 'audio'] }],
  ['audio', { audio: { voice: 'alloy', format: 'mp3' } }],
  ['web_search_options', { web_search_options: {} }],
  ['plugins', { plugins: [{ id: 'web' }] }],
  ['search_parameters', { search_parameters: { mode: 'auto' } }],
  ['enable_search', { enable_search: true }],
  ['messages.0.audio', { messages: [{ role: 'assistant', content: null, audio: { id: 'audio_1' } }] }],
  ['messages.0.content.0', { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/tiff;base64,AA' } }] }] }],
  ['messages.0.content.0', { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }] }],
  ['messages.0.content.0.type', { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: '' } }] }] }],
  ['messages.0.content.0.type', { messages: [{ role: 'system', content: [{ type: 'image_url', image_url: { url: 'https://x.example/a.png' } }] }] }],
  ['messages.0.content.0.type', { messages: [{ role: 'assistant', content: [{ type: 'brand_new', text: 'x' }] }] }],
  ['messages.0.content.1.type', { messages: [{ role: 'tool', tool_call_id: 'a', content: [{ type: 'text', text: '' }, { type: 'input_audio', input_audio: { data: '' } }] }] }],
  ['messages.0.tool_calls.0.function.arguments', { messages: [{ role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: { name: 'x', arguments: '{"cut' } }] }] }],
  ['messages', { messages: [] }]
])('refuses what it cannot express, naming %s', (param, body) => {
  expect(() => translate(body)).toThrow(expect.objectContaining({ code: 'invalid_request', param }))
})

test('leaves out what asks for nothing', () => {
  const nothing = [{ web_search_options: null }, { plugins: [] }, { search_parameters: { mode: 'off' } }, { enable_search: false }, { plugins: null, search_parameters: null, enable_search: null }]
  for (const body of nothing) expect(translate(body)).toEqual(translate({}))
})
