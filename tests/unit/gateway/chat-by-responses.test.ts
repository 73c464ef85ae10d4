import { expect, test } from 'vitest'
import { completionOf } from '../../../server/gateway/operations/completion-of-response'
import { ResponseChunks } from '../../../server/gateway/operations/response-chunks'

const createdAt = new Date('2026-12-01T00:00:00Z')
const connection = { id: 'c', kind: 'openai' as const, name: 'mock', baseUrl: null, secret: 'sk-secret-1234567890', config: {} }
const response = { object: 'response', id: 'resp_1', model: 'gpt-5-codex', status: 'completed', output: [] }

test('a whole response is a completion: words, refusals and thoughts in their places, and no call that was cut off', () => {
  const call = { type: 'function_call', call_id: 'call_1', name: 'read', arguments: '{"a":1}', status: 'completed' }
  const output = [
    { type: 'reasoning', summary: [{ type: 'summary_text', text: 'One.' }, { type: 'summary_text', text: 'Two.' }] },
    { type: 'message', content: [{ type: 'output_text', text: 'Hello' }, { type: 'refusal', refusal: 'No.' }] },
    { type: 'something_new', content: 7 },
    { type: 'message', content: [{ type: 'output_text', text: 'Bye' }] },
    call,
    { ...call, call_id: 'call_2', arguments: '{"a":', status: 'incomplete' }
  ]
  expect(completionOf(JSON.stringify({ ...response, status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, output }), createdAt)).toEqual({
    id: 'resp_1', object: 'chat.completion', created: 1_796_083_200, model: 'gpt-5-codex',
    choices: [{ index: 0, logprobs: null, finish_reason: 'length', message: {
      role: 'assistant', content: 'Hello\n\nBye', refusal: 'No.', reasoning_content: 'One.\n\nTwo.', tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'read', arguments: '{"a":1}' } }]
    } }]
  })
  expect(completionOf(JSON.stringify({ ...response, status: 'incomplete', incomplete_details: { reason: 'steered' }, service_tier: 'priority' }), createdAt)).toMatchObject({ service_tier: 'priority', choices: [{ finish_reason: 'length' }] })
  expect(() => completionOf(JSON.stringify({ ...response, status: 'failed', error: { code: 'server_error', message: 'It broke.' } }), createdAt)).toThrow('It broke.')
  for (const text of ['{}', '[]', 'nonsense', JSON.stringify({ ...response, output: 'x' })]) expect(() => completionOf(text, createdAt), text).toThrow('not a response')
})

function chunksOf(events: object[]): unknown[] {
  const chunks = new ResponseChunks(connection, createdAt)
  const text = events.map(event => chunks.event(JSON.stringify(event))).join('') + chunks.end()
  return text.split('\n\n').filter(Boolean).map(line => line === 'data: [DONE]' ? 'done' : JSON.parse(line.slice('data: '.length)))
}

test('arguments that are told at their end alone are told once, and what is not known is passed over', () => {
  const created = { type: 'response.created', response: { id: 'resp_1', model: 'gpt-5-codex' } }
  const begin = { type: 'response.output_item.added', output_index: 2, item: { type: 'function_call', call_id: 'call_1', name: 'read' } }
  const done = { type: 'response.function_call_arguments.done', output_index: 2, arguments: '{"a":1}' }
  const end = { type: 'response.completed', response: { status: 'completed', usage: { input_tokens: 1, output_tokens: 2 } } }
  const written = (events: object[]) => JSON.stringify(chunksOf(events)).match(/"arguments":"(?!")/g)
  expect(written([created, { type: 'response.something.new', output_index: 'x' }, begin, done, end])).toHaveLength(1)
  expect(written([created, begin, { type: 'response.function_call_arguments.delta', output_index: 2, delta: '{"a":1}' }, done, end])).toHaveLength(1)
  expect(chunksOf([created, begin, done, end]).slice(-3)).toMatchObject([{ choices: [{ finish_reason: 'tool_calls' }] }, { choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } }, 'done'])
  // Nothing is told before something is said.
  expect(new ResponseChunks(connection, createdAt).event(JSON.stringify(created))).toBe('')
})

test('two messages are two paragraphs, and the tier is told', () => {
  const said = (output_index: number, delta: string) => ({ type: 'response.output_text.delta', output_index, delta })
  const chunks = JSON.stringify(chunksOf([said(0, 'I will'), said(0, ' look.'), said(2, 'It is'), said(2, ' 4.'), { type: 'response.completed', response: { status: 'completed', service_tier: 'priority', usage: { input_tokens: 1, output_tokens: 2 } } }]))
  expect([...chunks.matchAll(/"content":"([^"]*)"/g)].map(match => match[1]).join('')).toBe('I will look.\\n\\nIt is 4.')
  expect(chunks).toContain('"service_tier":"priority"')
})

test('a stream that fails, breaks off or makes no sense ends in an error, without the secret', () => {
  const failed = { type: 'response.failed', response: { status: 'failed', error: { code: 'rate_limit_exceeded', message: 'Key sk-secret-1234567890 is bad.' } } }
  for (const events of [[failed], [{ type: 'error', code: 'rate_limit_exceeded', message: 'Key sk-secret-1234567890 is bad.' }], [{ type: 'error', error: { code: 'rate_limit_exceeded', message: 'Key sk-secret-1234567890 is bad.' } }]]) {
    expect(chunksOf(events)).toMatchObject([{ error: { message: 'Key [redacted] is bad.', code: 'rate_limit_exceeded' } }])
  }
  expect(chunksOf([{ type: 'response.output_text.delta', delta: 7 }])).toMatchObject([{ error: { message: expect.stringContaining('cannot be read') } }])
  expect(chunksOf([])).toMatchObject([{ error: { message: expect.stringContaining('before the answer was complete') } }])
})
