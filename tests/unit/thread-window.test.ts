import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { splitLongText } from '../../app/components/markdown/split-long-text'
import { windowAround, windowAt } from '../../app/utils/thread-window'

const heights = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 60 })
const sum = (numbers: number[]) => numbers.reduce((total, one) => total + one, 0)

describe('the rows that are drawn', () => {
  test('and the space for the others are always as high as all of them', () => {
    fc.assert(fc.property(heights, fc.integer({ min: -5_000, max: 40_000 }), fc.integer({ min: 1, max: 3_000 }), (rows, top, view) => {
      const { from, to, before, after } = windowAt(rows.length, top, top + view, index => rows[index] ?? 0)
      expect(from).toBeLessThan(to)
      expect([before, after]).toEqual([sum(rows.slice(0, from)), sum(rows.slice(to))])
    }))
  })

  test('are all that touch the view, and no more', () => {
    fc.assert(fc.property(heights, fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 1, max: 3_000 }), (rows, top, view) => {
      fc.pre(top < sum(rows))
      const { from, to } = windowAt(rows.length, top, top + view, index => rows[index] ?? 0)
      rows.forEach((height, index) => {
        const start = sum(rows.slice(0, index))
        if (start + height > top && start < top + view) expect(index >= from && index < to).toBe(true)
        else expect(index < from || index >= to).toBe(true)
      })
    }))
  })

  test('around a row hold it; of nothing there are none', () => {
    expect(windowAround(10, 9, 300, 0, () => 100)).toEqual({ from: 6, to: 10, before: 600, after: 0 })
    expect(windowAround(10, 0, 300, 250, () => 100)).toEqual({ from: 0, to: 3, before: 0, after: 700 })
    expect(windowAt(0, 0, 100, () => 100)).toEqual({ from: 0, to: 0, before: 0, after: 0 })
  })
})

describe('a very long text', () => {
  test('keeps every character: its beginning as Markdown, the rest plain', () => {
    for (const text of ['short', 'line\n'.repeat(100_000), 'x'.repeat(500_001)]) {
      const { formatted, plain } = splitLongText(text)
      expect(formatted + plain.join('')).toBe(text)
      expect(formatted.length).toBeLessThanOrEqual(120_000)
    }
  })
})
