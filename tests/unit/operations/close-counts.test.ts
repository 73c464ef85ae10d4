import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import type { Target } from '../../../server/catalog/target'
import { fitToFunds } from '../../../server/gateway/fit-to-funds'
import { chatCompletions } from '../../../server/gateway/operations/chat-completions'
import { completions } from '../../../server/gateway/operations/completions'
import { messages } from '../../../server/gateway/operations/messages'
import type { Operation } from '../../../server/gateway/operations/operation'
import { responses } from '../../../server/gateway/operations/responses'
import { blankPdf } from '../../support/blank-pdf'
import { lookAt, parseCall, targetOf } from '../../support/operation-calls'

const words = 'every good boy does fine '.repeat(1_000)
const picture = 'iVBORw0KGgo'.repeat(5_000)
const target = targetOf('openai', 'm', { contextWindow: 400_000, maxOutputTokens: 10_000, price: { source: 'test', inputPrice: 1_000_000_000n, outputPrice: 10_000_000_000n } })

/** What a call is held for at a target, where there is not all its bound would take. */
function offerFor(operation: Operation, ask: object, at: Target = target, told?: number) {
  const request = parseCall(operation, { model: 'm', max_tokens: 10, max_output_tokens: 10, ...ask })
  return fitToFunds(request, [{ target: at, tokens: request.bound(at) }], raw => raw, 100_000_000n, lookAt(request, told))
}

describe.each<[Operation, (text: string) => object]>([
  [messages, text => ({ max_tokens: 100, messages: [{ role: 'user', content: text }] })],
  [responses, text => ({ input: text })],
  [completions, text => ({ prompt: text })]
])('a closer look at a call of $name', (operation, ask) => {
  test('counts its prompt in tokens rather than bytes, and covers all of it', async () => {
    const request = parseCall(operation, { model: 'm', ...ask(words) })
    const counted = await request.countClosely?.()
    expect(counted).toMatchObject({ images: 0, soundTokens: 0 })
    // A token a word, and 5 bytes.
    expect(counted?.tokens).toBeGreaterThanOrEqual(5_000)
    expect(counted?.tokens).toBeLessThan(request.bound(target).inputTokens / 4)
  })

  test('is not taken at a prompt that would take too long to count', async () => {
    expect(await parseCall(operation, { model: 'm', ...ask('x'.repeat(400_001)) }).countClosely?.()).toBeUndefined()
  })
})

test('images are counted by the image, within a tool\'s result too; what hides in them as text is counted as text', async () => {
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: picture } }
  const ask = (content: object[]) => parseCall(messages, { model: 'm', max_tokens: 100, messages: [{ role: 'user', content }] }).countClosely?.()
  expect(await ask([image, { type: 'tool_result', tool_use_id: 'a', content: [image] }])).toMatchObject({ images: 2, tokens: expect.closeTo(60, -2) })
  expect((await ask([{ type: 'image', source: { type: 'text', data: words } }]))?.tokens).toBeGreaterThanOrEqual(5_000)
  const input = [{ role: 'user', content: [{ type: 'input_image', image_url: `data:image/png;base64,${picture}` }, { type: 'input_text', text: words }] }]
  const counted = await parseCall(responses, { model: 'm', input }).countClosely?.()
  expect(counted?.images).toBe(1)
  expect(counted?.tokens).toBeGreaterThanOrEqual(5_000)
  expect(counted?.tokens).toBeLessThan(6_000)
})

/** What is at an address may be another file by the time of the call. */
function inputFileAt(url: string) {
  return { input: [{ role: 'user', content: [{ type: 'input_file', file_url: url }] }] }
}

const hello = { messages: [{ role: 'user', content: 'Hi' }] }

test.each<[Operation, object]>([
  [responses, { input: 'Hi', conversation: 'conv_1', previous_response_id: 'resp_1' }], [responses, inputFileAt('https://x.example/a.pdf')],
  [messages, { messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'url', url: 'https://x.example/a.pdf' } }] }] }],
  [chatCompletions, { ...hello, web_search_options: {} }], [chatCompletions, { ...hello, plugins: [{ id: 'web' }] }], [chatCompletions, { ...hello, preset: 'searches' }],
  [chatCompletions, { ...hello, tools: [{ type: 'browser_search' }] }], [chatCompletions, { ...hello, data_sources: [{ type: 'azure_search' }] }],
  [completions, { prompt: 'Hi', plugins: [{ id: 'web' }] }]
])('a call of $name that reads more than its body is held for the whole window, however close one looks: %j', async (operation, ask) => {
  const at = { ...target, ...(operation === completions && targetOf('openai-compatible', 'm', { contextWindow: 400_000, price: target.price })) }
  expect(parseCall(operation, { model: 'm', max_tokens: 10, ...ask }).bound(at).inputTokens).toBe(400_000)
  expect(await offerFor(operation, ask, at, 10)).toBeUndefined()
})

test.each([
  ['an earlier answer', { input: 'Hi', previous_response_id: 'resp_1' }],
  ['an item of one', { input: [{ type: 'item_reference', id: 'msg_1' }] }],
  ['a file', { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file_1' }] }] }]
])('%s that OpenAI keeps is held for what that tells of it, and for the whole window where that tells nothing, or the call goes elsewhere', async (_what, ask) => {
  expect((await offerFor(responses, ask, target, 5_000))?.amount).toBe((5_500n + 200n) * 1_000n + 10n * 10_000n)
  expect(await offerFor(responses, ask)).toBeUndefined()
  expect(await offerFor(responses, ask, { ...targetOf('anthropic', 'm', { contextWindow: 400_000, price: target.price }) }, 5_000)).toBeUndefined()
})

test('OpenAI is told which answer a count goes on from', async () => {
  const asked: unknown[] = []
  await parseCall(responses, { model: 'm', input: 'Hi', previous_response_id: 'resp_1' }).countAt?.(targetOf('openai', 'gpt-5'), ({ body }) => {
    asked.push(JSON.parse(String(body)))
    return Promise.resolve({ status: 200, headers: {}, body: Readable.from([Buffer.from('{"input_tokens":1}')]) })
  }, new AbortController().signal)
  expect(asked).toEqual([{ model: 'gpt-5', input: 'Hi', previous_response_id: 'resp_1' }])
})

const pdf = blankPdf(100)
/** A text of one kilobyte, and a zip by what it ends with. */
const [text, zip] = ['x'.repeat(1_000), `${'x'.repeat(1_000)}PK\u0005\u0006${'\0'.repeat(18)}`].map(content => Buffer.from(content).toString('base64'))
const textUrl = `data:text/plain;base64,${text}`

const asked = (content: object[]) => ({ messages: [{ role: 'user', content }] })
const fileOf = (data: string) => asked([{ type: 'file', file: { file_data: data } }])
const inputFile = (data: string) => ({ input: asked([{ type: 'input_file', file_data: data }]).messages })
const documentIn = (data: string) => ({ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data } })
const documentOf = (data: string) => asked([{ type: 'tool_result', tool_use_id: 'a', content: [documentIn(data)] }])

test.each<[string, Operation, object]>([
  ['a PDF', chatCompletions, fileOf(`data:application/pdf;base64,${pdf}`)], ['a PDF', responses, inputFile(`data:application/pdf;base64,${pdf}`)], ['a PDF', messages, documentOf(pdf)],
  ['a PDF that is called a text', chatCompletions, fileOf(`data:text/plain;base64,${Buffer.from(`\n\n${Buffer.from(pdf, 'base64').toString()}`).toString('base64')}`)],
  ['a document of Mistral\'s', chatCompletions, asked([{ type: 'document_url', document_url: `data:application/pdf;base64,${pdf}` }])],
  ['what is compressed', chatCompletions, fileOf(gzipSync('x').toString('base64'))], ['an office file', responses, inputFile(`data:text/plain;base64,${zip}`)]
])('%s in a call may be all of the window, and is held as that, however close one looks', async (_what, operation, ask) => {
  expect(parseCall(operation, { model: 'm', max_tokens: 10, ...ask }).bound(target).inputTokens).toBe(400_000)
  expect(await offerFor(operation, ask)).toBeUndefined()
})

test.each<[Operation, object]>([[chatCompletions, fileOf(textUrl)], [responses, inputFile(textUrl)]])('a file of text in a call of $name is held by its bytes, and looked at closer', async (operation, ask) => {
  expect(parseCall(operation, { model: 'm', ...ask }).bound(target).inputTokens).toBeLessThan(2_000)
  expect((await offerFor(operation, ask))?.amount).toBeLessThan(4_000_000n)
})

test.each<[string, string]>([
  ['speaks of PDFs further on', `data:text/plain;base64,${Buffer.from(`${'x'.repeat(1_024)}%PDF-1.4`).toString('base64')}`],
  ['stands in a URL in plain', `data:text/plain,${encodeURIComponent(`Grüße ${'x'.repeat(1_024)}%PDF-1.4`)}`],
  ['stands there as it is', 'data:text/plain;charset=utf-8,Grüße']
])('a text that %s is a text', (_what, data) => {
  expect(parseCall(chatCompletions, { model: 'm', ...fileOf(data) }).bound(target).inputTokens).toBeLessThan(3_000)
})

test.each([
  ['bytes', 'data:text/plain,%FF%FE'], ['a URL that is none', 'data:text/plain,100%'], ['a PDF', `data:text/plain,${encodeURIComponent('\n%PDF-1.4')}`], ['a PDF in base64 that does not say so', `data:text/plain,${pdf}`]
])('%s in a URL in plain may be all of the window', (_what, data) => {
  expect(parseCall(chatCompletions, { model: 'm', ...fileOf(data) }).bound(target).inputTokens).toBe(400_000)
})

test.each<[Operation, (data: string) => object]>([[chatCompletions, fileOf], [responses, inputFile], [messages, documentOf]])('a file in a call of $name is read once, however many targets it may go to', async (operation, ask) => {
  const data = Buffer.from(words).toString('base64')
  const request = parseCall(operation, { model: 'm', max_tokens: 10, ...ask(data) })
  const read = vi.spyOn(Buffer, 'from')
  for (const contextWindow of [400_000, 200_000]) expect(request.bound({ ...target, contextWindow }).inputTokens).toBeLessThan(40_000)
  await request.countClosely?.()
  expect(read.mock.calls.filter(([value]) => String(value) === data)).toHaveLength(1)
  read.mockRestore()
})

/** How each kind is asked to count, and what its count comes to at most. */
const counting = {
  anthropic: { model: 'claude-haiku-4-5', path: '/v1/messages/count_tokens', answer: { input_tokens: 1_234 }, tokens: 1_234, nonsense: { input_tokens: 'many' }, prompt: 'messages' },
  google: { model: 'gemini-2.5-flash', path: '/v1beta/models/gemini-2.5-flash:countTokens', answer: { totalTokens: 1_000 }, tokens: 5_000, nonsense: { totalTokens: -1 }, prompt: 'generateContentRequest' },
  openai: { model: 'gpt-4o', path: '/v1/responses/input_tokens', answer: { object: 'response.input_tokens', input_tokens: 1_234 }, tokens: 1_234, nonsense: {}, prompt: 'input' }
} as const
const kinds = ['anthropic', 'google', 'openai'] as const
const askers = [[chatCompletions, fileOf], [responses, inputFile], [messages, (data: string) => asked([documentIn(data)])]] as const

describe.each(kinds.flatMap(kind => askers.map(([operation, ask]) => [kind, operation.name, operation, ask] as const)))('the count by %s of a call of %s', (kind, _name, operation, ask) => {
  const { model, path, answer, tokens, nonsense, prompt } = counting[kind]
  const countAt = async (status: number, answer: object) => {
    const asked: { path: string, body: Record<string, unknown> }[] = []
    const request = parseCall(operation, { model: 'm', max_tokens: 10, max_output_tokens: 10, temperature: 0.5, stream: true, tools: [], ...ask(`${operation === messages ? '' : 'data:application/pdf;base64,'}${pdf}`) })
    const tokens = await request.countAt?.(targetOf(kind, model), ({ url, body }) => {
      asked.push({ path: url.pathname, body: JSON.parse(String(body)) })
      return Promise.resolve({ status, headers: { 'content-type': 'application/json' }, body: Readable.from([Buffer.from(JSON.stringify(answer))]) })
    }, new AbortController().signal)
    return { tokens, asked }
  }

  test('is asked with all it is of, and with nothing else', async () => {
    const { tokens: told, asked: [{ path: at, body } = { path: '', body: {} }] } = await countAt(200, answer)
    expect([told, at]).toEqual([tokens, path])
    expect(JSON.stringify(body)).toContain(model)
    expect(JSON.stringify(body[prompt])).toContain(pdf)
    for (const name of ['max_tokens', 'max_output_tokens', 'maxOutputTokens', 'temperature', 'stream']) expect(JSON.stringify(body)).not.toContain(`"${name}"`)
  })

  test('is none where it refuses, and fails where it makes no sense', async () => {
    expect((await countAt(400, { error: { type: 'invalid_request_error', message: 'No' } })).tokens).toBeUndefined()
    await expect(countAt(200, nonsense)).rejects.toThrow()
  })
})

test('a chat is counted at OpenAI as its Responses API would have it, and where that has no words for it, not at all', async () => {
  const countOf = async (ask: object) => {
    const asked: unknown[] = []
    await parseCall(chatCompletions, { model: 'm', ...ask }).countAt?.(targetOf('openai', 'gpt-4o'), ({ body }) => {
      asked.push(JSON.parse(String(body)))
      return Promise.resolve({ status: 200, headers: {}, body: Readable.from([Buffer.from('{"input_tokens":1}')]) })
    }, new AbortController().signal)
    return asked[0]
  }
  const conversation = [
    { role: 'system', content: 'Be brief' },
    { role: 'user', content: [{ type: 'text', text: 'Look' }, { type: 'image_url', image_url: { url: 'https://x.example/a.png', detail: 'low' } }, { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,AA==' } }] },
    { role: 'assistant', content: 'Well', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }] },
    { role: 'tool', tool_call_id: 'c1', content: 'done' }
  ]
  const tools = [{ type: 'function', function: { name: 'f', description: 'Does', parameters: { type: 'object' } } }]
  expect(await countOf({ messages: conversation, tools, n: 2, response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' } } } })).toEqual({
    model: 'gpt-4o',
    input: [
      { role: 'system', content: 'Be brief' },
      { role: 'user', content: [{ type: 'input_text', text: 'Look' }, { type: 'input_image', image_url: 'https://x.example/a.png', detail: 'low' }, { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,AA==' }] },
      { role: 'assistant', content: 'Well' },
      { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"a":1}' },
      { type: 'function_call_output', call_id: 'c1', output: 'done' }
    ],
    tools: [{ type: 'function', name: 'f', description: 'Does', parameters: { type: 'object' }, strict: false }],
    text: { format: { type: 'json_schema', name: 'x', schema: { type: 'object' }, strict: false } }
  })
  await expect(countOf({ ...asked([{ type: 'input_audio', input_audio: { data: 'AA==', format: 'mp3' } }]) })).rejects.toThrow('cannot take')
  await expect(countOf({ ...hello, functions: [{ name: 'f' }] })).rejects.toThrow('replaced')
})

test('what a target does not get makes its hold no larger', async () => {
  for (const [operation, ask] of [[chatCompletions, { ...hello, plugins: [{ id: 'web' }] }], [completions, { prompt: 'Hi', plugins: [{ id: 'web' }] }]] as const) {
    const claude = targetOf('anthropic', 'claude', { contextWindow: 400_000, price: target.price })
    expect(parseCall(operation, { model: 'm', ...ask }).bound(claude).inputTokens).toBeLessThan(1_000)
    expect((await offerFor(operation, ask, claude))?.amount).toBeLessThan(1_000_000n)
  }
})

test('what a completion is to lead to is counted as part of its prompt', async () => {
  expect(await parseCall(completions, { model: 'm', prompt: 'every', suffix: words }).countInput()).toBeGreaterThanOrEqual(5_000)
})

test('prompts of completions are counted each, those that came as tokens by their number', async () => {
  const counted = await parseCall(completions, { model: 'm', prompt: [[1, 2, 3], [4, 5]], n: 3 }).countClosely?.()
  expect(counted?.tokens).toBeGreaterThanOrEqual(5)
  expect(counted?.tokens).toBeLessThan(40)
})
