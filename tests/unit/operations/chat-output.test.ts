import { expect, test } from 'vitest'
import type { ChatChunk } from '../../../server/gateway/operations/assemble-completion'
import { chatCompletions, parseChatRequest } from '../../../server/gateway/operations/chat-completions'
import { completions } from '../../../server/gateway/operations/completions'
import { messages } from '../../../server/gateway/operations/messages'
import type { Operation } from '../../../server/gateway/operations/operation'
import { responses } from '../../../server/gateway/operations/responses'
import { attempt, chatStream, chatTarget, parseCall, sendCall, tapStream } from '../../support/operation-calls'

const read = (message: object, rest: object = {}) => parseCall(chatCompletions, { model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...rest })
  .readAnswer(Buffer.from(JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'stop' }] })), {})

test('what a whole answer says aloud counts by its length, its data not as text', () => {
  const spoken = { role: 'assistant', content: null, audio: { id: 'a', data: Buffer.alloc(480_000).toString('base64'), transcript: 'Good morning' } }
  const answer = read(spoken, { audio: { format: 'wav' } })
  expect(answer).toMatchObject({ outputTokens: 209, audioOutputTokens: 209 })
  expect(answer.text()).toContain('Good morning')
  expect(answer.text().length).toBeLessThan(100)
  expect(read(spoken, { audio: { format: 'mp3' } })).toMatchObject({ outputTokens: 625 })
})

test('a picture counts as one, not as its data', () => {
  const answer = read({ role: 'assistant', content: 'A cat', images: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(1_000)}` } }] })
  expect(answer).toMatchObject({ outputTokens: 1_290, audioOutputTokens: 0 })
  expect(answer.text()).toBe('A cat')
})

const thought = { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'A long ' }, { type: 'text', text: 'thought. ' }] }, { type: 'text', text: 'Yes' }] }

test('what Mistral\'s models think, in parts of the content, counts as written, is in the trace and reaches Loom\'s own chat', () => {
  const chunks: ChatChunk[] = []
  const request = parseChatRequest(Buffer.from(JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'Hi' }] })), chunk => chunks.push(chunk))
  const { tap, sent } = tapStream(request, Buffer.from(chatStream([thought], { finish: null })))
  expect(tap.text).toBe('A long thought. Yes')
  expect(JSON.parse(tap.record().toString())).toMatchObject({ choices: [{ message: { content: 'Yes', reasoning_content: 'A long thought. ' } }] })
  expect(chunks.at(-1)?.choices[0]?.delta).toMatchObject({ content: 'Yes', reasoning_content: 'A long thought. ' })
  // The caller gets it as it came.
  expect(sent).toContain(JSON.stringify(thought))
})

test.each<[Operation, object, string]>([
  [messages, { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5, thinking: { type: 'enabled', budget_tokens: 2_000 } }, '"thinking"'],
  [responses, { input: 'Hi' }, '"summary_text"']
])('and is shown as thinking in other formats, whole and streamed: $name', async (operation, body, kind) => {
  const answer = { choices: [{ message: thought, finish_reason: 'stop' }] }
  for (const stream of [false, true]) {
    const given = await attempt(parseCall(operation, { model: 'm', ...body, stream }), chatTarget(stream ? chatStream([thought]) : JSON.stringify(answer)).target)
    expect(given.toString()).toContain('A long thought. ')
    expect(given.toString()).toContain(kind)
  }
})

test('a prompt that is repeated before the answer is not counted as written, each choice its own', () => {
  const body = { model: 'm', prompt: ['Once', 'Twice'], n: 2, echo: true }
  const choices = ['Once upon', 'Once more', 'Twice a', 'Two'].map((text, index) => ({ index, text, finish_reason: 'stop' }))
  expect(parseCall(completions, body).readAnswer(Buffer.from(JSON.stringify({ choices })), {}).text()).toBe(' upon more aTwo')
  expect(parseCall(completions, { ...body, prompt: null }).readAnswer(Buffer.from('{"choices":[{"text":"b"}]}'), {}).text()).toBe('b')
  const stream = choices.flatMap(({ index, text }) => [...text].map(letter => `data: ${JSON.stringify({ choices: [{ index, text: letter }] })}\n\n`)).join('')
  expect(tapStream(parseCall(completions, { ...body, stream: true }), Buffer.from(stream)).tap.text).toBe(' upon more aTwo')
})

test('of the best of several, those that are not shown were written too', () => {
  const answer = (body: object) => parseCall(completions, { model: 'm', prompt: 'a', ...body }).readAnswer(Buffer.from('{"choices":[{"text":"b"}]}'), {})
  expect(answer({ best_of: 5 }).timesWritten).toBe(5)
  expect(answer({ best_of: 6, n: 4 }).timesWritten).toBe(1.5)
  expect(answer({ best_of: 2, n: 2 }).timesWritten).toBeUndefined()
})

test('a stream of completions is whole when as many came as prompts and `n` ask for', () => {
  const end = (index: number) => `data: ${JSON.stringify({ choices: [{ index, text: 'a', finish_reason: 'stop' }] })}\n\n`
  const isWhole = (...indexes: number[]) => tapStream(parseCall(completions, { model: 'm', prompt: ['a', 'b'], n: 2, stream: true }), Buffer.from(indexes.map(end).join(''))).tap.whole
  expect(isWhole(0, 1, 2)).toBe(false)
  expect(isWhole(0, 1, 2, 3)).toBe(true)
})

test.each<[Operation, object]>([
  [completions, { prompt: 'Hi' }], [messages, { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5 }], [responses, { input: 'Hi' }]
])('what a translated stream cannot show counts as delivered', async (operation, body) => {
  const chat = chatStream([{ reasoning: 'Hm. ' }, { content: 'Look' }, { audio: { transcript: ' here', data: Buffer.alloc(48_000).toString('base64') } }, { images: [{}, {}] }], { finish: null }) + 'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens_so_far":9000}}\n\n'
  const { body: events, delivered } = await sendCall(parseCall(operation, { model: 'm', ...body, stream: true }), chatTarget(chat).target)
  expect(delivered?.()).toMatchObject({ text: '' })
  await events.resume().toArray()
  expect(delivered?.()).toEqual({ text: 'Hm. Look here', outputTokens: 21 + 2 * 1_290, audioOutputTokens: 21, tokensSoFar: 9_000 })
})

test.each<[Operation, object]>([
  [completions, { prompt: 'Hi' }], [messages, { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5 }], [responses, { input: 'Hi' }]
])('a translated stream is whole at [DONE] though no reason of its end was told, where the usage was', async (operation, body) => {
  const cut = chatStream([{ content: 'all' }], { finish: null })
  const counted = 'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}\n\n'
  const fails = async (stream: string) => {
    const { body: events } = await sendCall(parseCall(operation, { model: 'm', ...body, stream: true }), chatTarget(stream).target)
    return (await events.toArray()).join('').includes('half way')
  }
  expect(await fails(`${cut}${counted}data: [DONE]\n\n`)).toBe(false)
  expect(await fails(`${cut}${counted}`)).toBe(true)
  expect(await fails(`${cut}data: [DONE]\n\n`)).toBe(true)
})

test('a stream of completions is no answer with [DONE] alone, or after a failure, and one without a reason for its end', () => {
  const read = (...events: string[]) => tapStream(parseCall(completions, { model: 'm', prompt: 'a', stream: true }), Buffer.from([...events, '[DONE]'].map(data => `data: ${data}\n\n`).join(''))).tap
  const half = JSON.stringify({ choices: [{ index: 0, text: 'a' }] })
  expect(() => read()).toThrow('half way')
  expect(() => read(half, '{"object":"error","message":"EngineDeadError","code":500}')).toThrow('EngineDeadError')
  expect(() => read(half, '{"error":{"message":"overloaded"}}')).toThrow('overloaded')
  expect(read(half)).toMatchObject({ done: true, text: 'a' })
})
