import { describe, expect, test } from 'vitest'
import { toGenerateContentBody } from '../../../server/gateway/providers/google-request'

const user = { role: 'user', content: 'Hello' }
const body = (request: Record<string, unknown>, model = 'gemini-2.5-flash') => toGenerateContentBody({ body: { messages: [user], ...request }, upstreamModel: model, stream: false })
const refusalOf = (request: Record<string, unknown>) => expect(() => body(request))

test('a plain question is sent as one turn, with no setting the caller did not make', () => {
  expect(body({})).toEqual({ contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] })
})

test('system messages, wherever they stand, become the system instruction; neighbours of one role one turn', () => {
  const messages = [{ role: 'system', content: 'Be brief.' }, user, { role: 'user', content: 'Again' }, { role: 'developer', content: 'In German.' }, { role: 'assistant', content: 'Hallo' }]
  expect(body({ messages })).toEqual({
    systemInstruction: { parts: [{ text: 'Be brief.' }, { text: 'In German.' }] },
    contents: [{ role: 'user', parts: [{ text: 'Hello' }, { text: 'Again' }] }, { role: 'model', parts: [{ text: 'Hallo' }] }]
  })
})

test('more texts to stop at than Gemini takes are refused by name', () => {
  const stops = ['a', 'b', 'c', 'd', 'e']
  expect(body({ stop: stops }).generationConfig).toMatchObject({ stopSequences: stops })
  expect(() => body({ stop: [...stops, 'f'] })).toThrow(expect.objectContaining({ code: 'invalid_request', param: 'stop' }))
})

test('sampling, limits, stops and formats have their counterparts', () => {
  const schema = { type: 'object', properties: { city: { type: 'string' } }, additionalProperties: false }
  const request = { max_tokens: 100, max_completion_tokens: 50, temperature: 0, top_p: 0.5, top_k: 3, seed: 7, stop: 'END', response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } }
  expect(body(request).generationConfig).toEqual({ maxOutputTokens: 50, temperature: 0, topP: 0.5, topK: 3, seed: 7, stopSequences: ['END'], responseMimeType: 'application/json', responseJsonSchema: schema })
  expect(body({ response_format: { type: 'json_object' } }).generationConfig).toEqual({ responseMimeType: 'application/json' })
})

test('JSON beside tools is asked for in words of models that refuse the two, and of others as it is', () => {
  const tools = [{ type: 'function', function: { name: 'look' } }]
  const schema = { type: 'object', properties: { city: { type: 'string' } } }
  const asked = { messages: [{ role: 'system', content: 'Be brief.' }, user], tools, response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } }
  for (const old of [body(asked), body({ ...asked, tool_choice: 'none' })]) {
    expect(old).not.toHaveProperty('generationConfig')
    expect(old.systemInstruction).toEqual({ parts: [{ text: 'Be brief.' }, { text: expect.stringContaining(JSON.stringify(schema)) }] })
  }
  expect(body({ ...asked, response_format: { type: 'json_object' } }).systemInstruction).toMatchObject({ parts: [{}, { text: expect.stringContaining('one JSON object') }] })
  expect(body({ ...asked, response_format: { type: 'text' } }).systemInstruction).toEqual({ parts: [{ text: 'Be brief.' }] })
  expect(body({ ...asked, tools: [] })).toHaveProperty('generationConfig.responseJsonSchema', schema)
  expect(body(asked, 'gemini-3-flash-preview')).toMatchObject({ systemInstruction: { parts: [{ text: 'Be brief.' }] }, generationConfig: { responseJsonSchema: schema } })
})

test('pictures that a model drew are in its turn, to be drawn on', () => {
  const drawn = { role: 'assistant', content: 'Here', images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] }
  const turn = (model: string) => body({ messages: [user, drawn, { role: 'user', content: 'Make it red' }] }, model).contents
  expect(turn('gemini-2.5-flash-image')).toEqual([{ role: 'user', parts: [{ text: 'Hello' }] }, { role: 'model', parts: [{ text: 'Here' }, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }] }, { role: 'user', parts: [{ text: 'Make it red' }] }])
  expect(turn('gemini-3-pro-image-preview')).toMatchObject([{}, { parts: [{}, { inlineData: {}, thoughtSignature: 'skip_thought_signature_validator' }] }, {}])
  for (const odd of ['none', [{ type: 'image_url', image_url: { url: 'file:///etc/passwd' } }, { url: 'https://example.com/a.png' }, 7], [{ type: 'image_url', image_url: { url: 'data:image/svg+xml;base64,AAAA' } }]]) {
    expect(body({ messages: [user, { ...drawn, images: odd }, user] }).contents).toMatchObject([{}, { role: 'model', parts: [{ text: 'Here' }] }, {}])
  }
})

test('instructions alone are what is asked', () => {
  expect(body({ messages: [{ role: 'system', content: 'Tell a joke.' }] })).toEqual({ contents: [{ role: 'user', parts: [{ text: 'Tell a joke.' }] }] })
})

describe('images and files', () => {
  const part = (content: Record<string, unknown>) => body({ messages: [{ role: 'user', content: [content] }] })

  test('with parameters beyond number are refused, as other addresses are', () => {
    for (const repeats of [9, 2_150_000]) expect(() => part({ type: 'image_url', image_url: { url: `data:image/png${';x=y'.repeat(repeats)};base64,AAAA` } })).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  })

  test('travel as inline data, and a public address as one', () => {
    expect(part({ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } })).toMatchObject({ contents: [{ parts: [{ inlineData: { mimeType: 'image/png', data: 'AAAA' } }] }] })
    expect(part({ type: 'image_url', image_url: { url: 'data:image/jpg;charset=utf-8;base64,AAAA' } })).toMatchObject({ contents: [{ parts: [{ inlineData: { mimeType: 'image/jpeg', data: 'AAAA' } }] }] })
    expect(part({ type: 'image_url', image_url: { url: 'https://x.example/a.webp?b=1' } })).toMatchObject({ contents: [{ parts: [{ fileData: { mimeType: 'image/webp', fileUri: 'https://x.example/a.webp?b=1' } }] }] })
    expect(part({ type: 'file', file: { file_data: 'data:application/pdf;base64,AAAA' } })).toMatchObject({ contents: [{ parts: [{ inlineData: { mimeType: 'application/pdf' } }] }] })
  })

  test.each([
    { type: 'image_url', image_url: { url: 'data:text/html;base64,AAAA' } },
    { type: 'image_url', image_url: { url: 'file:///etc/passwd' } },
    { type: 'file', file: { file_data: 'data:video/mp4;base64,AAAA' } },
    { type: 'file', file: {} }
  ])('of another kind are refused, naming the part: %j', (content) => {
    expect(() => part(content)).toThrow(expect.objectContaining({ code: 'invalid_request', param: 'messages.0.content.0' }))
  })
})

test('what a model wrote in place of an answer is its text, and what sounds is refused', () => {
  const refused = (message: object) => body({ messages: [user, { role: 'assistant', ...message }] }).contents
  const said = [{ role: 'user', parts: [{ text: 'Hello' }] }, { role: 'model', parts: [{ text: 'I cannot.' }] }]
  expect(refused({ content: null, refusal: 'I cannot.' })).toEqual(said)
  expect(refused({ content: '', refusal: 'I cannot.' })).toEqual(said)
  expect(refused({ content: [{ type: 'refusal', refusal: 'I cannot.' }], refusal: null })).toEqual(said)
  expect(body({ modalities: ['image', 'text'], audio: null })).toEqual(body({}))
  refusalOf({ modalities: ['audio'] }).toThrow(expect.objectContaining({ code: 'invalid_request', param: 'modalities.0' }))
})

describe('tools', () => {
  const tools = [{ type: 'function', function: { name: 'look', description: 'Looks', parameters: { type: 'object', $defs: {} } } }, { type: 'function', function: { name: 'wait' } }]
  const call = { id: 'call_1', type: 'function', function: { name: 'look', arguments: '{"at":"sky"}' } }
  const replay = (calls: unknown[], model: string) => body({ messages: [user, { role: 'assistant', content: null, tool_calls: calls }, { role: 'tool', tool_call_id: 'call_1', content: 'blue' }] }, model)

  test('are declared with their JSON schema as it is', () => {
    expect(body({ tools })).toMatchObject({ tools: [{ functionDeclarations: [{ name: 'look', description: 'Looks', parametersJsonSchema: { type: 'object', $defs: {} } }, { name: 'wait' }] }] })
  })

  test.each([
    ['auto', { mode: 'AUTO' }], ['none', { mode: 'NONE' }], ['required', { mode: 'ANY' }],
    [{ type: 'function', function: { name: 'look' } }, { mode: 'ANY', allowedFunctionNames: ['look'] }]
  ])('are chosen as asked: %j', (choice, expected) => {
    expect(body({ tools, tool_choice: choice })).toMatchObject({ toolConfig: { functionCallingConfig: expected } })
  })

  test('are answered under the name of their call, what is no JSON object as one', () => {
    const { contents } = replay([call], 'gemini-2.5-flash')
    expect(contents).toEqual([
      { role: 'user', parts: [{ text: 'Hello' }] },
      { role: 'model', parts: [{ functionCall: { id: 'call_1', name: 'look', args: { at: 'sky' } } }] },
      { role: 'user', parts: [{ functionResponse: { id: 'call_1', name: 'look', response: { result: 'blue' } } }] }
    ])
  })

  test('show pictures as the user\'s, after the results of all calls', () => {
    const picture = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }
    const result = (id: string) => ({ role: 'tool', tool_call_id: id, content: [{ type: 'text', text: 'seen' }, picture] })
    const { contents } = body({ messages: [user, { role: 'assistant', tool_calls: [call, { ...call, id: 'call_2' }] }, result('call_1'), result('call_2')] })
    const response = (id: string) => ({ functionResponse: { id, name: 'look', response: { result: 'seen' } } })
    const shown = { inlineData: { mimeType: 'image/png', data: 'AAAA' } }
    expect(contents).toMatchObject([{}, {}, { role: 'user', parts: [response('call_1'), response('call_2'), shown, shown] }])
  })

  test('go back with the signature they came with; the newest models are told when there is none', () => {
    const signed = { ...call, extra_content: { google: { thought_signature: 'c2ln' } } }
    expect(replay([signed], 'gemini-3.1-pro-preview').contents).toMatchObject([{}, { parts: [{ thoughtSignature: 'c2ln' }] }, {}])
    const second = { ...call, id: 'call_2' }
    expect(replay([call, second], 'gemini-3.8-flash').contents).toMatchObject([{}, { parts: [{ thoughtSignature: 'skip_thought_signature_validator' }, { functionCall: { id: 'call_2' } }] }, {}])
    expect(JSON.stringify(replay([call, second], 'gemini-2.5-flash'))).not.toContain('thoughtSignature')
  })

  test('cannot answer a call nobody made', () => {
    refusalOf({ messages: [user, { role: 'tool', tool_call_id: 'gone', content: 'x' }] }).toThrow(expect.objectContaining({ code: 'invalid_request', param: 'messages.1.tool_call_id' }))
  })

  test('must have arguments that are a JSON object', () => {
    const broken = { ...call, function: { name: 'look', arguments: '[1' } }
    expect(() => replay([broken], 'gemini-2.5-flash')).toThrow(expect.objectContaining({ param: 'messages.1.tool_calls.0.function.arguments' }))
  })
})

// https://ai.google.dev/gemini-api/docs/openai#thinking and /docs/thinking, read 2026-11.
test.each([
  ['gemini-2.5-flash', 'none', { thinkingBudget: 0, includeThoughts: false }],
  ['gemini-2.5-pro', 'none', { thinkingBudget: 128, includeThoughts: false }],
  ['gemini-2.5-flash', 'medium', { thinkingBudget: 8_192, includeThoughts: true }],
  ['gemini-3-pro-preview', 'medium', { thinkingLevel: 'high', includeThoughts: true }],
  ['gemini-3.1-pro-preview', 'minimal', { thinkingLevel: 'low', includeThoughts: true }],
  ['gemini-3-flash-preview', 'minimal', { thinkingLevel: 'minimal', includeThoughts: true }],
  ['gemini-3.8-flash', 'none', { thinkingLevel: 'low', includeThoughts: false }],
  ['gemini-flash-latest', 'xhigh', { thinkingLevel: 'high', includeThoughts: true }],
  ['gemini-2.0-flash', 'high', undefined],
  ['gemini-2.5-flash-image', 'high', undefined],
  ['gemma-3', 'high', undefined]
])('%s asked for effort %s thinks %j', (model, effort, expected) => {
  expect(body({ reasoning_effort: effort }, model).generationConfig).toEqual(expected && { thinkingConfig: expected })
})

test.each([['n', 2], ['logprobs', true], ['web_search_options', {}], ['plugins', [{ id: 'web' }]], ['preset', 'searches'], ['search_parameters', { mode: 'on' }], ['enable_search', true]])('%s = %s is refused, naming the field', (field, value) => {
  refusalOf({ [field]: value }).toThrow(expect.objectContaining({ code: 'invalid_request', param: field }))
})
