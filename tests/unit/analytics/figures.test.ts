import { describe, expect, test } from 'vitest'
import { figures, formatChange, nameOf } from '../../../app/utils/analytics-figures'
import { percentile, readHistogram } from '../../../server/analytics/latency-histogram'
import { t } from '../../support/translate'

describe('a change against the period before', () => {
  test.each([
    [120, 100, '+20 %'], [97, 100, '−3 %'], [100, 100, '±0 %'], [5, 0, 'new'], [0, 0, undefined], [null, 5, undefined], [5, null, undefined], [1_000_000, 1, '+>9,999 %']
  ])('from %s, before %s, reads %s', (now, before, text) => {
    expect(formatChange(now, before, t)).toBe(text)
  })
})

test('a histogram is read from its decimal, the lowest bucket last in it', () => {
  expect(readHistogram('0')).toEqual([0])
  expect(readHistogram('3000000000007')).toEqual([7, 3])
  expect(readHistogram(`2${'0'.repeat(24)}`)).toEqual([0, 0, 2])
})

test('percentiles lie between a bucket\'s ends, and there is none without calls', () => {
  expect(percentile([0], 0.5)).toBeNull()
  const counts = [0, 0, 100]
  expect(percentile(counts, 0)).toBeCloseTo(2 ** (-15 / 4), 5)
  expect(percentile(counts, 1)).toBeCloseTo(2 ** (-14 / 4), 5)
  expect(percentile([50, 0, 50], 0.5)).toBeCloseTo(2 ** -4, 5)
})

test('groups without a name are called what they are', () => {
  expect(nameOf({ group: null, name: null, isOther: true }, 'model', t)).toBe('All others')
  expect(nameOf({ group: null, name: null, isOther: false }, 'key', t)).toBe('Chat, without a key')
  expect(nameOf({ group: '01890000-0000-7000-8000-000000000000', name: null, isOther: false }, 'user', t)).toBe('01890000… (gone)')
  expect(nameOf({ group: '01890000-0000-7000-8000-000000000000', name: null, isOther: false }, 'project', t)).toBe('01890000… (gone, or closed to you)')
  expect(nameOf({ group: 'gpt-4o', name: null, isOther: false }, 'model', t)).toBe('gpt-4o')
})

test('money on a chart keeps the nano-USD it was made of', () => {
  expect(figures.cost.exact(0.000000001)).toBe('$0.000000001')
  expect(figures.cost.format(12.5)).toBe('$12.50')
})
