import { expect, test } from 'vitest'
import { responses } from '../../../server/gateway/operations/responses'
import { nativeTarget, parseCall, targetOf } from '../../support/operation-calls'

const shell = { type: 'function', name: 'shell', parameters: { type: 'object', properties: {} } }

test.each(['additional_tools', 'tool_search_output'])('tools that the provider bills by use are seen in an item (%s), too', (type) => {
  const request = parseCall(responses, { model: 'm', input: [{ type, role: 'developer', tools: [shell, { type: 'web_search' }] }] })
  const { target } = nativeTarget('openai')
  expect(request.unpriced?.(target)).toContain('web_search')
  expect(request.bound(targetOf('openai', 'm', { contextWindow: 400_000 })).inputTokens).toBe(400_000)
})

test('a search among tools that the caller runs itself, as Codex does, is billed by tokens alone, asked for and told', () => {
  const search = (execution: string) => parseCall(responses, { model: 'm', input: 'Hi', tools: [shell, { type: 'tool_search', execution }] })
  const { target } = nativeTarget('openai')
  expect(search('client').unpriced?.(target)).toBeUndefined()
  expect(search('server').unpriced?.(target)).toContain('tool_search')
  const answer = (execution: string) => Buffer.from(JSON.stringify({ object: 'response', output: [], tools: [{ type: 'tool_search', execution }] }))
  expect(['client', 'server'].map(execution => search(execution).readAnswer(answer(execution), {}).surcharge)).toEqual([undefined, 'tools'])
})
