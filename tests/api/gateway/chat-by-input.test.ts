import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { GatewayUnderTest } from '../../support/open-gateway'
import { openGateway } from '../../support/open-gateway'
import { readTrace } from '../../support/read-trace'

/** As Cursor's agent asks GPT-5 and later at an address of one's own: the body of a response, sent to chat completions. */
const asked = {
  model: 'mock/gpt-5-mini',
  user: 'user_1',
  messages: [],
  instructions: 'You are a coding agent.',
  input: [
    { role: 'developer', content: [{ type: 'input_text', text: 'Be brief.' }] },
    { role: 'user', content: [{ type: 'input_text', text: 'What is in package.json?' }, { type: 'input_image', image_url: 'data:image/png;base64,iVBORw0KGgo=' }] },
    { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAAA' },
    { type: 'message', role: 'assistant', id: 'msg_1', status: 'completed', content: [{ type: 'output_text', text: 'I will look.', annotations: [] }] },
    { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'read_file', arguments: '{"path":"package.json"}', status: 'completed' },
    { type: 'function_call_output', call_id: 'call_1', output: '{"name":"loom"}' }
  ],
  tools: [
    { type: 'function', name: 'read_file', description: 'Reads a file', parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] }, strict: false },
    { type: 'custom', name: 'ApplyPatch', description: 'Edits files.', format: { type: 'grammar', syntax: 'lark', definition: 'start: "*** Begin Patch"' } }
  ],
  tool_choice: 'auto',
  parallel_tool_calls: true,
  reasoning: { effort: 'medium', summary: 'auto' },
  text: { verbosity: 'low' },
  include: ['reasoning.encrypted_content'],
  store: false,
  max_output_tokens: 4_096,
  stream: true,
  stream_options: { include_usage: true, include_obfuscation: false }
}

let gateway: GatewayUnderTest
let key: string

beforeAll(async () => {
  gateway = await openGateway()
  key = (await gateway.createKey()).key
})
beforeEach(() => gateway.upstream.reset())
afterAll(() => gateway.remove())

const ask = (rest: object = {}) => gateway.post(key, JSON.stringify({ ...asked, ...rest }))

test('a chat that Cursor asks for as a response is one: asked, streamed, charged and traced', async () => {
  gateway.upstream.respondWith({ toolCalls: [{ name: 'ApplyPatch', arguments: JSON.stringify({ input: '*** Begin Patch\n"' }) }] })
  const response = await ask()
  expect({ status: response.status, type: response.headers.get('content-type') }).toEqual({ status: 200, type: expect.stringContaining('text/event-stream') })
  const events = (await response.text()).split('\n\n').filter(Boolean).map(event => event.replace(/^data: /, ''))
  expect(events.at(-1)).toBe('[DONE]')
  const chunks = events.slice(0, -1).map(event => JSON.parse(event))
  expect(chunks.every(({ object }) => object === 'chat.completion.chunk')).toBe(true)
  const written = chunks.flatMap(({ choices }) => choices).flatMap(({ delta }) => delta.tool_calls ?? []).map(call => call.function.arguments ?? '').join('')
  expect(written).toBe('*** Begin Patch\n"')
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 10, completion_tokens: 20, cost: expect.any(Number) } })
  const { path, json } = await gateway.upstream.received()
  expect(path).toBe('/v1/chat/completions')
  expect(json).toMatchObject({
    model: 'gpt-5-mini', stream: true, max_completion_tokens: 4_096, reasoning_effort: 'medium', user: 'user_1', tool_choice: 'auto', parallel_tool_calls: true,
    tools: [{ type: 'function', function: { name: 'read_file', strict: false } }, { type: 'function', function: { name: 'ApplyPatch' } }],
    messages: [
      { role: 'system', content: 'You are a coding agent.' },
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'text', text: 'What is in package.json?' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }] },
      { role: 'assistant', content: 'I will look.', tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'read_file', arguments: '{"path":"package.json"}' } }] },
      { role: 'tool', tool_call_id: 'call_1', content: '{"name":"loom"}' }
    ]
  })
  for (const unknown of ['input', 'instructions', 'include', 'reasoning', 'store', 'text', 'max_output_tokens']) expect(json).not.toHaveProperty(unknown)
  const trace = await readTrace(gateway, key, response.headers.get('x-request-id'))
  expect(trace).toMatchObject({ endpoint: 'chat.completions', status_code: 200, input_tokens: 10, output_tokens: 20 })
  expect(trace.cost_usd).toMatch(/^0\.0*[1-9]/)
  await expect(gateway.api('POST', `/api/traces/${String(trace.id)}/replay`, { model: 'demo' })).rejects.toThrow(/400.*cannot be replayed/)
})

test('without a stream it is a whole completion', async () => {
  gateway.upstream.respondWith({ text: 'Loom' })
  const response = await ask({ stream: false, stream_options: undefined, input: 'Who are you?' })
  expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 200, body: { object: 'chat.completion', choices: [{ message: { role: 'assistant', content: 'Loom' }, finish_reason: 'stop' }], usage: { prompt_tokens: 10 } } })
})

test('its limits hold, and the rules of its key', async () => {
  const { key: bounded } = await gateway.createKey({ allowedModels: ['mock/gpt-4o-mini'] })
  const response = await gateway.post(bounded, JSON.stringify(asked))
  expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 403, body: { error: { code: 'model_not_allowed' } } })
})

test.each<[string, object, string | null]>([
  ['an input of another type', { input: 5 }, 'input'],
  ['a part of another type', { input: [{ role: 'user', content: [{ type: 'input_text', text: {} }] }] }, 'input.0.content.0.text'],
  ['a tool that the provider runs', { tools: [{ type: 'web_search' }] }, null],
  ['an earlier answer', { previous_response_id: 'resp_1' }, 'previous_response_id']
])('%s is refused as a chat is, and nobody is asked', async (_, rest, param) => {
  const response = await ask(rest)
  expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 400, body: { error: { type: 'invalid_request_error', param, message: expect.any(String) } } })
  expect(gateway.upstream.requests).toEqual([])
})
