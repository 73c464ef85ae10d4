import { describe, expect, test } from 'vitest'
import { chatCompletions } from '../../../server/gateway/operations/chat-completions'
import { messages } from '../../../server/gateway/operations/messages'
import type { Operation } from '../../../server/gateway/operations/operation'
import { responses } from '../../../server/gateway/operations/responses'
import { blankPdf } from '../../support/blank-pdf'
import { parseCall, targetOf } from '../../support/operation-calls'

const words = 'every good boy does fine '.repeat(1_000)
const base64 = Buffer.from(words).toString('base64')
const picture = 'iVBORw0KGgo'.repeat(5_000)
const schema = { type: 'object', properties: { q: { type: 'string', description: words } } }

const count = (operation: Operation, body: object) => parseCall(operation, { model: 'm', ...body }).countInput()

/** The same prompt in each format. */
interface Dialect { operation: Operation, ask: (text: string, more?: object[]) => object, image: object, imageAtUrl: object, file: (data: string) => object, call: object, tools: object }
const dialects: Dialect[] = [
  {
    operation: chatCompletions,
    ask: (text, more = []) => ({ messages: [{ role: 'user', content: [{ type: 'text', text }, ...more] }] }),
    image: { type: 'image_url', image_url: { url: `data:image/png;base64,${picture}` } },
    imageAtUrl: { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
    file: data => ({ type: 'file', file: { file_data: `data:text/plain;base64,${data}` } }),
    call: { messages: [{ role: 'user', content: 'Hi' }, { role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: { name: 'find', arguments: words } }] }] },
    tools: { messages: [{ role: 'user', content: 'Hi' }], tools: [{ type: 'function', function: { name: 'find', parameters: schema } }] }
  },
  {
    operation: responses,
    ask: (text, more = []) => ({ input: [{ role: 'user', content: [{ type: 'input_text', text }, ...more] }] }),
    image: { type: 'input_image', image_url: `data:image/png;base64,${picture}` },
    imageAtUrl: { type: 'input_image', image_url: 'https://example.com/a.png' },
    file: data => ({ type: 'input_file', file_data: `data:text/plain;base64,${data}` }),
    call: { input: [{ role: 'user', content: 'Hi' }, { type: 'function_call', call_id: 'c', name: 'find', arguments: words }] },
    tools: { input: 'Hi', tools: [{ type: 'function', name: 'find', parameters: schema }] }
  },
  {
    operation: messages,
    ask: (text, more = []) => ({ max_tokens: 5, messages: [{ role: 'user', content: [{ type: 'text', text }, ...more] }] }),
    image: { type: 'image', source: { type: 'base64', media_type: 'image/png', data: picture } },
    imageAtUrl: { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
    file: data => ({ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data } }),
    call: { max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }, { role: 'assistant', content: [{ type: 'tool_use', id: 'c', name: 'find', input: { q: words } }] }] },
    tools: { max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }], tools: [{ name: 'find', input_schema: schema }] }
  }
]

describe.each(dialects)('the count of a prompt of $operation.name', ({ operation, ask, image, imageAtUrl, file, call, tools }) => {
  test('is that of its words, with next to nothing for the format', async () => {
    expect(await count(operation, { ...ask('Hi'), temperature: 0.5, metadata: { a: words }, stream: true })).toBeLessThan(12)
    const long = await count(operation, ask(words))
    expect(long).toBeGreaterThanOrEqual(5_000)
    expect(long).toBeLessThan(5_050)
  })

  test('has the arguments of tool calls and the schemas of tools', async () => {
    for (const body of [call, tools]) {
      const tokens = await count(operation, body)
      expect(tokens).toBeGreaterThanOrEqual(5_000)
      expect(tokens).toBeLessThan(5_100)
    }
  })

  test('has a figure for each picture, by data or by address, whatever its bytes', async () => {
    const bare = await count(operation, ask('Look'))
    const [byData, byAddress] = [await count(operation, ask('Look', [image, image])), await count(operation, ask('Look', [imageAtUrl, imageAtUrl]))]
    for (const tokens of [byData, byAddress]) {
      expect(tokens - bare).toBeGreaterThanOrEqual(3_200)
      expect(tokens - bare).toBeLessThan(3_300)
    }
  })

  test('has a file as the text it may be, and a PDF by its pages', async () => {
    const bare = await count(operation, ask('Read'))
    // 25,000 characters of text, which are 5,000 tokens.
    const text = await count(operation, ask('Read', [file(base64)])) - bare
    expect(text).toBeGreaterThanOrEqual(5_000)
    expect(text).toBeLessThan(7_000)
    const pdf = await count(operation, ask('Read', [file(`JVBERi0xLjcK${'A'.repeat(1_300_000)}`)])) - bare
    expect(pdf).toBeGreaterThan(10_000)
    expect(pdf).toBeLessThan(50_000)
    const blank = await count(operation, ask('Read', [file(blankPdf(100))])) - bare
    expect(blank).toBeGreaterThanOrEqual(300_000)
    expect(blank).toBeLessThan(300_050)
    // Readers look for a PDF's head in the first 1,024 bytes.
    const late = Buffer.concat([Buffer.from('x'.repeat(1_000)), Buffer.from(blankPdf(100), 'base64')]).toString('base64')
    expect(await count(operation, ask('Read', [file(late)])) - bare).toBeGreaterThanOrEqual(300_000)
  })
})

test('pictures of a screen and of tools\' results are pictures, too', async () => {
  const screen = { input: [{ type: 'computer_call_output', call_id: 'c', output: { type: 'computer_screenshot', image_url: `data:image/png;base64,${picture}` } }] }
  expect(await count(responses, screen)).toBeLessThan(1_700)
  expect(parseCall(responses, { model: 'm', ...screen }).bound(targetOf('openai', 'm', { contextWindow: 400_000 })).inputTokens).toBeLessThan(51_000)
  const result = { max_tokens: 5, messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c', content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: picture } }] }] }] }
  expect(await count(messages, result)).toBeLessThan(1_700)
})

test('a picture in a document that is written as blocks is a picture, within a tool\'s result too', async () => {
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: picture } }
  const atUrl = { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }
  const documentOf = (content: unknown) => ({ type: 'document', source: { type: 'content', content } })
  const ask = (content: object[]) => ({ max_tokens: 5, messages: [{ role: 'user', content }] })
  const body = ask([documentOf([image, { type: 'text', text: words }]), { type: 'tool_result', tool_use_id: 'c', content: [documentOf([atUrl])] }])
  const request = parseCall(messages, { model: 'm', ...body })
  const counted = await request.countInput()
  expect(counted).toBeGreaterThanOrEqual(2 * 1_600 + 5_000)
  expect(counted).toBeLessThan(2 * 1_600 + 5_100)
  expect(await request.countClosely?.()).toMatchObject({ images: 2, soundTokens: 0 })
  expect(request.bound(targetOf('anthropic', 'm', { contextWindow: 400_000 })).inputTokens).toBe(request.raw.length - picture.length + 2 * 50_000)
  expect(await count(messages, ask([documentOf(words)]))).toBeGreaterThanOrEqual(5_000)
})

test.each<[Operation, (part: object) => object]>([
  [chatCompletions, part => ({ messages: [{ role: 'user', content: [part] }] })], [responses, part => ({ input: [{ role: 'user', content: [part] }] })]
])('a sound in a call of $name counts by its length', async (operation, ask) => {
  const data = 'A'.repeat(200_000)
  const request = parseCall(operation, { model: 'm', ...ask({ type: 'input_audio', input_audio: { data, format: 'mp3' } }) })
  const counted = await request.countInput()
  expect(counted).toBeGreaterThanOrEqual(200)
  expect(counted).toBeLessThan(250)
  expect(await request.countClosely?.()).toMatchObject({ images: 0, soundTokens: 50_000 })
  expect(request.bound(targetOf('openai', 'm', { contextWindow: 400_000 })).inputTokens).toBe(request.raw.length - data.length + 50_000)
  // Three megabytes may be 3,000 seconds, of 32 tokens each.
  const long = 'A'.repeat(4_000_000)
  const hours = parseCall(operation, { model: 'm', ...ask({ type: 'input_audio', input_audio: { data: long, format: 'mp3' } }) })
  expect(await hours.countClosely?.()).toMatchObject({ images: 0, soundTokens: 96_000 })
  expect(hours.bound(targetOf('openai', 'm', { contextWindow: 400_000 })).inputTokens).toBe(hours.raw.length - long.length + 96_000)
})

test('what is sealed counts as about what it stands for, and a picture that was drawn as a picture', async () => {
  const sealed = Buffer.from(words).toString('base64url')
  const input = [{ role: 'user', content: 'Hi' }, { type: 'reasoning', summary: [], encrypted_content: sealed }, { type: 'image_generation_call', id: 'ig_1', result: picture }]
  const counted = await count(responses, { input })
  expect(counted).toBeGreaterThan(sealed.length / 6)
  expect(counted).toBeLessThan(sealed.length / 4 + 3_000)
})

test.each(dialects)('a prompt of $operation.name of more values than any has is refused', ({ operation, ask }) => {
  expect(() => parseCall(operation, { model: 'm', ...ask('Hi', [{ type: 'x', values: Array.from({ length: 100_000 }, () => 1) }]) })).toThrow('more than 100,000 values')
})
