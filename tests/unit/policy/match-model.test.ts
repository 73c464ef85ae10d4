import { expect, test } from 'vitest'
import { coversPattern, ModelMatcher } from '../../../server/policy/match-model'

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
  ['gpt-*', 'gpt-4*', true], ['gpt-4*', 'gpt-*', false], ['*', '*', true], ['gpt-4o', '*', false], ['*-mini', 'gpt-*-mini', true], ['gpt-4o', 'gpt-4o', true], ['a*b', 'a*b*', false]
])('%s covers %s: %s', (outer, inner, covered) => {
  expect(coversPattern(outer, inner)).toBe(covered)
})
