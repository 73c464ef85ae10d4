import { expect, test } from 'vitest'
import { z } from 'zod'
import { LoomError } from '../../../server/errors'
import { CompletionsBody } from '../../../server/gateway/operations/completions-body'
import { ChatBody, chatCompletions } from '../../../server/gateway/operations/chat-completions'
import { completions } from '../../../server/gateway/operations/completions'
import { embeddings, EmbeddingsBody } from '../../../server/gateway/operations/embeddings'
import { imagesGenerations } from '../../../server/gateway/operations/images-generations'
import { messages } from '../../../server/gateway/operations/messages'
import { moderations, ModerationsBody } from '../../../server/gateway/operations/moderations'
import type { Operation } from '../../../server/gateway/operations/operation'
import { rerank } from '../../../server/gateway/operations/rerank'
import { responses } from '../../../server/gateway/operations/responses'
import { responsesToChat } from '../../../server/gateway/operations/responses-to-chat'
import { CountBody, MessagesBody } from '../../../server/gateway/operations/messages-body'
import { ResponsesBody } from '../../../server/gateway/operations/responses-body'
import { attempt, chatTarget, parseCall, targetOf } from '../../support/operation-calls'

const listed: { name: string, schema: z.ZodType, field: string }[] = [
  { name: 'moderations', schema: ModerationsBody, field: 'input' },
  { name: 'completions', schema: CompletionsBody, field: 'prompt' },
  { name: 'embeddings', schema: EmbeddingsBody, field: 'input' }
]
const many = <Item>(item: Item): Item[] => Array.from({ length: 20_000 }, () => item)

/** How many issues there are at all depths: each is an object that is made and kept. */
function countIssues(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce((sum, issue) => sum + 1 + (issue.code === 'invalid_union' ? issue.errors.reduce((inner, errors) => inner + countIssues(errors), 0) : 0), 0)
}

test.each(listed)('a list of $name that does not fit is refused for a few reasons, not for one an element', ({ schema, field }) => {
  for (const list of [many(-1), [...many(1), 'x'], ['x', ...many(1)], many(null), many({}), [...many('x'), 1], many([]), [many(-1)], [[...many(1), 'x']]]) {
    const issues = schema.safeParse({ model: 'm', [field]: list }).error?.issues
    expect(issues && countIssues(issues), JSON.stringify(list).slice(0, 30)).toBeLessThan(20)
  }
})

test.each<[string, z.ZodType, string]>([
  ['chat', ChatBody, 'messages'], ['messages', MessagesBody, 'messages'], ['tools of messages', CountBody, 'tools'], ['responses', ResponsesBody, 'input'], ['tools of responses', ResponsesBody, 'tools']
])('so is one of %s: nothing is looked at after the first that does not fit', (_, schema, field) => {
  for (const list of [many(1), many({ role: 1, type: 1 }), [...many({ role: 'user', type: 'a' }), 1]]) {
    const { error } = schema.safeParse({ model: 'm', max_tokens: 1, messages: [{ role: 'user' }], [field]: list })
    expect(error && countIssues(error.issues)).toBeLessThan(5)
  }
})

test.each<[string, Operation, 'openai-compatible' | 'anthropic', (list: unknown[]) => object]>([
  ['messages', messages, 'openai-compatible', content => ({ max_tokens: 1, messages: [{ role: 'user', content }] })],
  ['responses', responses, 'openai-compatible', content => ({ input: [{ role: 'user', content }] })],
  ['items', responses, 'openai-compatible', input => ({ input })],
  ['chats', chatCompletions, 'anthropic', content => ({ messages: [{ role: 'user', content }] })]
])('and one of %s that are translated', async (_, operation, kind, bodyOf) => {
  const target = kind === 'anthropic' ? targetOf(kind, 'm') : chatTarget('{}').target
  const refused = await attempt(parseCall(operation, { model: 'm', ...bodyOf(many({ type: 'odd' })) }), target).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'invalid_request', cause: expect.any(z.ZodError) })
  expect(refused instanceof LoomError && refused.cause instanceof z.ZodError && countIssues(refused.cause.issues)).toBeLessThan(10)
})

test.each<[Operation, Record<string, unknown>, (list: unknown[]) => object]>([
  [chatCompletions, { messages: [{ role: 'user', content: 'Hi' }] }, choices => ({ choices })],
  [embeddings, { input: 'Hi' }, data => ({ data })],
  [imagesGenerations, { prompt: 'Hi' }, data => ({ data })],
  [rerank, { query: 'Hi', documents: ['a'] }, results => ({ results })],
  [responses, { input: 'Hi' }, output => ({ object: 'response', output })],
  [messages, { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5 }, content => ({ type: 'message', content })]
])('so is such a list in a provider\'s answer', (operation, body, answerOf) => {
  const request = parseCall(operation, { model: 'm', ...body })
  expect(() => request.readAnswer(Buffer.from(JSON.stringify(answerOf(many(1)))), {})).toThrow(expect.objectContaining({ issues: [expect.objectContaining({ code: 'too_big' })] }))
})

test('a turn of very many calls of tools is translated in a time that grows with their number, not with its square', { timeout: 5_000 }, () => {
  const input = Array.from({ length: 60_000 }, () => ({ type: 'function_call', call_id: 'a', name: 'b', arguments: '{}' }))
  const { chat: { messages: translated } } = responsesToChat({ input }, chatTarget('{}').target)
  expect(translated).toMatchObject([{ role: 'assistant', tool_calls: expect.objectContaining({ length: input.length }) }])
})

test('tokens are taken by the hundred thousand, of one text and of several', async () => {
  for (const [operation, field] of [[completions, 'prompt'], [embeddings, 'input']] as const) {
    expect(await parseCall(operation, { model: 'm', [field]: Array.from({ length: 300_000 }, () => 1) }).countInput()).toBe(300_000)
    expect(await parseCall(operation, { model: 'm', [field]: [[1, 2], [3]] }).countInput()).toBe(3)
  }
})

test('a body of more values than anybody reads is refused before any of them is looked at', () => {
  expect(() => parseCall(moderations, { input: Array.from({ length: 100_001 }, () => 1) })).toThrow('more than 100,000 values')
  expect(() => parseCall(embeddings, { model: 'm', input: Array.from({ length: 1_000_001 }, () => 1) })).toThrow('more than 1,000,000 values')
})

test('a completion that begins with nothing (`prompt: null`) is understood', async () => {
  expect(await parseCall(completions, { model: 'm', prompt: null }).countInput()).toBe(0)
})
