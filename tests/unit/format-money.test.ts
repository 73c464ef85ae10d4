import { expect, test } from 'vitest'
import { formatUsd, formatUsdExact } from '../../app/utils/format-money'

test.each([
  ['0', '$0.00'],
  ['71300', '$0.0000713'],
  ['4213999', '$0.00421'],
  ['100000000', '$0.10'],
  ['400000000', '$0.40'],
  ['999999999', '$1.00'],
  ['1234567890', '$1.23'],
  ['1995000000', '$2.00'],
  ['123456789012345678', '$123,456,789.01'],
  ['-71300', '-$0.0000713']
])('%s nano-USD reads as %s', (nanoUsd, text) => {
  expect(formatUsd(nanoUsd)).toBe(text)
})

test('the exact amount keeps every digit, and its cents', () => {
  expect(formatUsdExact('600000000')).toBe('$0.60')
  expect(formatUsdExact('25000000000')).toBe('$25.00')
  expect(formatUsdExact('1000000001')).toBe('$1.000000001')
  expect(formatUsdExact('-5')).toBe('-$0.000000005')
})
