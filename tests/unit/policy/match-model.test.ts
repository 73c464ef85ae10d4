import { expect, test } from 'vitest'
import { coversPattern, DenyMatcher, ModelMatcher } from '../../../server/policy/match-model'

test.each([
  ['gpt-4*', ['gpt-4', 'gpt-4o', 'gpt-4*'], ['gpt-3', 'my-gpt-4', 'gpt']],
  ['*', ['', 'anything'], []],
  ['*-mini', ['gpt-4o-mini', '-mini'], ['mini', 'gpt-mini-4']],
  ['a*b*c', ['abc', 'a-b-c', 'abbc', 'abcbc'], ['ab', 'acb', 'abcd', 'bac']],
  ['ab*ba', ['abba', 'ab-ba'], ['aba', 'ab']],
  ['openai/*', ['openai/gpt-5'], ['gpt-5', 'openai']],
  ['a.c', ['a.c'], ['abc']],
  ['a**c', ['ac', 'abc'], ['a']]
])('%s', (pattern, matching, others) => {
  const matcher = new ModelMatcher([pattern])
  for (const name of matching) expect(matcher.matches(name), name).toBe(true)
  for (const name of others) expect(matcher.matches(name), name).toBe(false)
})

test('a hostile pattern on a hostile name takes no time to speak of', () => {
  expect(new ModelMatcher([`${'*a'.repeat(90)}*b`]).matches('a'.repeat(10_000))).toBe(false)
})

test.each([
  ['ollama/llama3.3', ['ollama/LLAMA3.3', 'ollama/llama3.3:latest', 'ollama/llama3.3:70B', 'ollama/llama3.3:a:b'], ['llama3.3', 'ollama/llama3.3-mini', 'ollama/llama3.3:a/b']],
  ['llama3.3:latest', ['llama3.3', 'Llama3.3:Latest'], ['llama3.3:70b']],
  ['Llama3.3:70b', ['llama3.3:70b'], ['llama3.3', 'llama3.3:8b']],
  ['GPT-4*', ['gpt-4o', 'gpt-4o:online'], ['gpt-5', 'gpt-5:gpt-4']],
  ['registry:5000/qwen', ['registry:5000/Qwen:4b'], ['registry']]
])('denying %s denies its variants, in any case', (pattern, denied, others) => {
  const matcher = new DenyMatcher([pattern])
  for (const name of denied) expect(matcher.matches(name), name).toBe(true)
  for (const name of others) expect(matcher.matches(name), name).toBe(false)
})

test('a hostile name is denied or not in no time to speak of', () => {
  expect(new DenyMatcher(['a*b']).matches(`a${':'.repeat(100_000)}/`)).toBe(false)
})

test.each([
  ['gpt-*', 'gpt-4*', true], ['gpt-4*', 'gpt-*', false], ['*', '*', true], ['gpt-4o', '*', false], ['*-mini', 'gpt-*-mini', true], ['gpt-4o', 'gpt-4o', true], ['a*b', 'a*b*', false]
])('%s covers %s: %s', (outer, inner, covered) => {
  expect(coversPattern(outer, inner)).toBe(covered)
})
