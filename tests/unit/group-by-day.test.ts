import { describe, expect, test } from 'vitest'
import { groupByDay } from '../../app/utils/group-by-day'
import { t } from '../support/translate'

const now = new Date(2026, 10, 21, 0, 30)
const at = (...date: [number, number, number, number?]) => ({ pinned: false, lastActiveAt: new Date(...date).toJSON() })

describe('a list by day', () => {
  test('is parted by the reader\'s own days, in the order of the list, pinned ones first', () => {
    const items = [{ ...at(2026, 1, 1), pinned: true }, at(2026, 10, 21), at(2026, 10, 20, 23), at(2026, 10, 15), at(2026, 10, 1), at(2026, 8, 9), at(2026, 8, 1), at(2024, 0, 5)]
    expect(groupByDay(items, now, t).map(({ title, items: { length } }) => [title, length])).toEqual([
      ['Pinned', 1], ['Today', 1], ['Yesterday', 1], ['Last 7 days', 1], ['Last 30 days', 1], ['September', 2], ['January 2024', 1]
    ])
  })

  test('takes what another clock dates tomorrow for today', () => {
    expect(groupByDay([at(2026, 10, 22, 3)], now, t)[0]?.title).toBe('Today')
  })
})
