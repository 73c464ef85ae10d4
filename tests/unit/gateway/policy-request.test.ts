import { expect, test } from 'vitest'
import { chatCompletions } from '../../../server/gateway/operations/chat-completions'
import { messages } from '../../../server/gateway/operations/messages'
import type { Operation } from '../../../server/gateway/operations/operation'
import { responses } from '../../../server/gateway/operations/responses'
import { policyRequest } from '../../../server/gateway/policy-request'
import { blankPdf } from '../../support/blank-pdf'
import { parseCall, targetOf } from '../../support/operation-calls'

/** What a call takes of the tokens of a minute, where it may go to models of two windows. */
function reservedFor(operation: Operation, body: object): number {
  const request = parseCall(operation, { model: 'm', ...body })
  const bounds = [200_000, 1_000_000].map((contextWindow) => {
    const target = targetOf('openai', 'm', { contextWindow, maxOutputTokens: 64_000 })
    return { target, tokens: request.bound(target) }
  })
  return policyRequest({ requestId: 'r', operation, request, ip: null }, { models: ['m'], bounds }).reservedTokens
}

const pdf = blankPdf(40)
const url = `data:application/pdf;base64,${pdf}`

test.each<[Operation, object, object]>([
  [chatCompletions, { messages: [{ role: 'user', content: [{ type: 'file', file: { file_data: url } }] }] }, { max_tokens: 500 }],
  [responses, { input: [{ role: 'user', content: [{ type: 'input_file', file_data: url }] }] }, { max_output_tokens: 500 }],
  [messages, { max_tokens: 500, messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: pdf } }] }] }, {}]
])('a PDF in a call of $name reserves its pages, not the window it is held for', (operation, body, cap) => {
  const capped = reservedFor(operation, { ...body, ...cap })
  expect(capped).toBeGreaterThanOrEqual(40 * 3_000 + 500)
  expect(capped).toBeLessThan(40 * 3_000 + 600)
  if (operation === messages) return
  const uncapped = reservedFor(operation, body)
  expect(uncapped - capped).toBeGreaterThan(4_096 - 600)
  expect(uncapped - capped).toBeLessThanOrEqual(4_096 - 500)
})

test('a PDF behind other bytes reserves its pages, too', () => {
  const late = Buffer.concat([Buffer.from('x'.repeat(1_000)), Buffer.from(pdf, 'base64')]).toString('base64')
  expect(reservedFor(chatCompletions, { max_tokens: 500, messages: [{ role: 'user', content: [{ type: 'file', file: { file_data: late } }] }] })).toBeGreaterThanOrEqual(40 * 3_000 + 500)
})

test.each<[Operation, object]>([
  [responses, { max_output_tokens: 500, input: 'Go on', previous_response_id: 'resp_1' }],
  [chatCompletions, { max_tokens: 500, web_search_options: {}, messages: [{ role: 'user', content: 'Search' }] }],
  [messages, { max_tokens: 500, messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } }] }] }]
])('what a call of $name reads beside its body reserves an estimate, not the window it is held for', (operation, body) => {
  const reserved = reservedFor(operation, body)
  expect(reserved).toBeGreaterThanOrEqual(32_768 + 500)
  expect(reserved).toBeLessThan(32_768 + 600)
})

test('is no more than the window, whatever is read beside the body', () => {
  const ask = (data: string, ...more: object[]) => ({ max_tokens: 500, messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data } }, ...more] }] })
  expect(reservedFor(messages, ask(blankPdf(500)))).toBe(1_000_000 + 500)
  const beside = { type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } }
  expect(reservedFor(messages, ask(blankPdf(500), beside))).toBe(1_000_000 + 500)
  expect(reservedFor(messages, ask(pdf, beside))).toBeGreaterThanOrEqual(40 * 3_000 + 32_768 + 500)
})

test('text reserves its bytes where the answer is capped, a quarter of them where it could be and is not', () => {
  const body = { messages: [{ role: 'user', content: 'word '.repeat(1_000) }] }
  const bytes = JSON.stringify({ model: 'm', ...body }).length
  expect(reservedFor(chatCompletions, body)).toBe(Math.ceil(bytes / 4) + 4_096)
  expect(reservedFor(chatCompletions, { ...body, n: 3 })).toBeGreaterThan(3 * 4_096)
  expect(reservedFor(chatCompletions, { ...body, max_tokens: 500 })).toBe(JSON.stringify({ model: 'm', ...body, max_tokens: 500 }).length + 500)
})
