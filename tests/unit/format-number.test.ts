import { expect, test } from 'vitest'
import { formatMoment } from '../../app/utils/format-moment'
import { formatBytes, formatBytesExact, formatCompact, formatDuration } from '../../app/utils/format-number'
import { t } from '../support/translate'

test.each([[0, '0 ms'], [1.594, '1.59 ms'], [840.4, '840 ms'], [1_240, '1.24 s'], [12_340, '12.3 s'], [59_400, '59.4 s'], [59_990, '1 min 0 s'], [125_000, '2 min 5 s'], [119_900, '2 min 0 s']])(
  '%d ms reads as %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text)
  })

test('counts stay exact while they are small', () => {
  expect(formatCompact(9_999)).toBe('9,999')
  expect(formatCompact(12_345)).toBe('12.3K')
})

test('bytes are told by the unit that reads best, and each of them where asked', () => {
  expect(formatBytes(1_536)).toBe('1.5 KB')
  expect(formatBytesExact(1_234_567)).toBe('1,234,567 B')
})

test('a moment is told by its distance while that is less than a day', () => {
  const now = new Date('2026-03-04T12:00:00Z')
  const ago = (milliseconds: number) => formatMoment(new Date(now.getTime() - milliseconds), now, t)
  expect(ago(10_000)).toBe('now')
  expect(ago(-20_000)).toBe('now')
  expect(ago(5 * 60_000)).toBe('5 min ago')
  expect(ago(3 * 3_600_000)).toBe('3 h ago')
  expect(ago(30 * 86_400_000)).toMatch(/^2 Feb, \d\d:00$/)
})
