import { describe, expect, test } from 'vitest'
import type { Target } from '../../../server/catalog/target'
import { fitToFunds } from '../../../server/gateway/fit-to-funds'
import { chatCompletions } from '../../../server/gateway/operations/chat-completions'
import { completions } from '../../../server/gateway/operations/completions'
import { messages } from '../../../server/gateway/operations/messages'
import type { Operation } from '../../../server/gateway/operations/operation'
import { responses } from '../../../server/gateway/operations/responses'
import { parseCall, targetOf } from '../../support/operation-calls'

const words = 'every good boy does fine '.repeat(1_000)
const picture = 'iVBORw0KGgo'.repeat(5_000)
const target = targetOf('openai', 'm', { contextWindow: 400_000, maxOutputTokens: 10_000, price: { source: 'test', inputPrice: 1_000_000_000n, outputPrice: 10_000_000_000n } })

/** What a call is held for at a target, where there is not all its bound would take. */
function offerFor(operation: Operation, ask: object, at: Target = target) {
  const request = parseCall(operation, { model: 'm', max_tokens: 10, max_output_tokens: 10, ...ask })
  return fitToFunds(request, [{ target: at, tokens: request.bound(at) }], raw => raw, 100_000_000n)
}

describe.each<[Operation, (text: string) => object]>([
  [messages, text => ({ max_tokens: 100, messages: [{ role: 'user', content: text }] })],
  [responses, text => ({ input: text })],
  [completions, text => ({ prompt: text })]
])('a closer look at a call of $name', (operation, ask) => {
  test('counts its prompt in tokens rather than bytes, and covers all of it', async () => {
    const request = parseCall(operation, { model: 'm', ...ask(words) })
    const counted = await request.countClosely?.()
    expect(counted).toMatchObject({ images: 0, sounds: 0 })
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

const hello = { messages: [{ role: 'user', content: 'Hi' }] }

test.each<[Operation, object]>([
  [responses, { input: 'Hi', previous_response_id: 'resp_1' }],
  [messages, { messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'url', url: 'https://x.example/a.pdf' } }] }] }],
  [chatCompletions, { ...hello, web_search_options: {} }], [chatCompletions, { ...hello, plugins: [{ id: 'web' }] }],
  [chatCompletions, { ...hello, tools: [{ type: 'browser_search' }] }], [chatCompletions, { ...hello, data_sources: [{ type: 'azure_search' }] }],
  [completions, { prompt: 'Hi', plugins: [{ id: 'web' }] }]
])('a call of $name that reads more than its body is held for the whole window, however close one looks: %j', async (operation, ask) => {
  const at = { ...target, ...(operation === completions && targetOf('openai-compatible', 'm', { contextWindow: 400_000, price: target.price })) }
  expect(parseCall(operation, { model: 'm', max_tokens: 10, ...ask }).bound(at).inputTokens).toBe(400_000)
  expect(await offerFor(operation, ask, at)).toBeUndefined()
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
