import { expect, test } from 'vitest'
import { applyMarkup } from '../../../server/billing/apply-markup'

test.each([
  [1_000n, 0, 1_000n],
  [1_000n, 2_000, 1_200n],
  [1_000n, -2_500, 750n],
  [1_000n, -10_000, 0n],
  [0n, 5_000, 0n],
  // Rounded up, and once: a part of a nano-USD is a whole one.
  [1n, 1, 2n],
  [3n, -5_000, 2n],
  [9_999n, 1, 10_000n],
  [123_456_789_012_345_678n, 1_234, 138_691_356_776_469_135n]
])('%d nano-USD at %d basis points are charged as %d', (raw, basisPoints, charged) => {
  expect(applyMarkup(raw, basisPoints)).toBe(charged)
})

test('what is held at a markup covers what is charged at it', () => {
  for (const basisPoints of [-9_999, -1, 1, 333, 99_999]) {
    for (const raw of [1n, 7n, 10_001n, 999_999_999n]) expect(applyMarkup(raw, basisPoints)).toBeLessThanOrEqual(applyMarkup(raw + 1n, basisPoints))
  }
})
