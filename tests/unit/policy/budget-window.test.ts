import { describe, expect, test } from 'vitest'
import type { BudgetTimes } from '../../../server/policy/budget-window'
import { BudgetCalendar, findBudgetWindow, findWindow, keepWindows, windowId } from '../../../server/policy/budget-window'
import type { BudgetPeriod } from '../../../shared/policy'

const HOUR_MS = 3_600_000
const at = (text: string) => Date.parse(text)
const find = (period: BudgetPeriod, now: string, zone: string) => {
  const { startsAtMs, endsAtMs } = findWindow(period, at(now), zone)
  return [new Date(startsAtMs).toISOString(), new Date(endsAtMs).toISOString()]
}

test.each<[BudgetPeriod, string, string, string, string]>([
  ['day', '2026-11-21T13:00:00Z', 'UTC', '2026-11-21T00:00:00.000Z', '2026-11-22T00:00:00.000Z'],
  ['day', '2026-11-21T23:30:00Z', 'Europe/Berlin', '2026-11-21T23:00:00.000Z', '2026-11-22T23:00:00.000Z'],
  ['day', '2026-11-21T22:59:59.999Z', 'Europe/Berlin', '2026-11-20T23:00:00.000Z', '2026-11-21T23:00:00.000Z'],
  ['day', '2026-11-21T00:00:00Z', 'Asia/Kathmandu', '2026-11-20T18:15:00.000Z', '2026-11-21T18:15:00.000Z'],
  ['day', '2026-11-21T09:59:00Z', 'Pacific/Kiritimati', '2026-11-20T10:00:00.000Z', '2026-11-21T10:00:00.000Z'],
  ['day', '2026-11-21T11:59:00Z', 'Pacific/Pago_Pago', '2026-11-21T11:00:00.000Z', '2026-11-22T11:00:00.000Z'],
  ['week', '2026-11-22T22:59:00Z', 'Europe/Berlin', '2026-11-15T23:00:00.000Z', '2026-11-22T23:00:00.000Z'],
  ['week', '2026-11-22T23:00:00Z', 'Europe/Berlin', '2026-11-22T23:00:00.000Z', '2026-11-29T23:00:00.000Z'],
  ['month', '2026-12-31T23:30:00Z', 'Europe/Berlin', '2026-12-31T23:00:00.000Z', '2027-01-31T23:00:00.000Z'],
  ['month', '2028-02-29T12:00:00Z', 'America/New_York', '2028-02-01T05:00:00.000Z', '2028-03-01T05:00:00.000Z']
])('a %s at %s in %s', (period, now, zone, start, end) => {
  expect(find(period, now, zone)).toEqual([start, end])
})

describe('where the clock changes', () => {
  test.each([
    ['2026-03-29T12:00:00Z', 'Europe/Berlin', 23],
    ['2026-10-25T12:00:00Z', 'Europe/Berlin', 25],
    ['2026-10-04T02:00:00Z', 'Australia/Lord_Howe', 23.5],
    ['2026-03-08T12:00:00Z', 'America/New_York', 23]
  ])('the day of %s in %s has its %d hours', (now, zone, hours) => {
    const { startsAtMs, endsAtMs } = findWindow('day', at(now), zone)
    expect((endsAtMs - startsAtMs) / HOUR_MS).toBe(hours)
  })

  test('a day without midnight begins at its first moment', () => {
    // Cairo puts its clock forward at midnight of the last Friday in April.
    expect(find('day', '2026-04-24T12:00:00Z', 'Africa/Cairo')).toEqual(['2026-04-23T22:00:00.000Z', '2026-04-24T21:00:00.000Z'])
  })

  test('a week and a month around a change begin at local midnight', () => {
    expect(find('week', '2026-03-29T12:00:00Z', 'Europe/Berlin')).toEqual(['2026-03-22T23:00:00.000Z', '2026-03-29T22:00:00.000Z'])
    expect(find('month', '2026-03-29T12:00:00Z', 'Europe/Berlin')).toEqual(['2026-02-28T23:00:00.000Z', '2026-03-31T22:00:00.000Z'])
  })

  test('a day that a zone skipped has no window', () => {
    // Samoa went from 29 to 31 December 2011.
    expect(find('day', '2011-12-30T09:59:00Z', 'Pacific/Apia')[1]).toBe('2011-12-30T10:00:00.000Z')
    expect(find('day', '2011-12-30T10:00:00Z', 'Pacific/Apia')[0]).toBe('2011-12-30T10:00:00.000Z')
  })
})

test.each(['UTC', 'Europe/Berlin', 'America/Sao_Paulo', 'Asia/Kolkata', 'Pacific/Chatham', 'Africa/Cairo', 'America/Havana'])('windows of a year in %s follow one another without gap', (zone) => {
  for (const period of ['day', 'week', 'month'] as const) {
    let now = at('2026-01-01T12:00:00Z')
    while (now < at('2027-01-01T12:00:00Z')) {
      const { startsAtMs, endsAtMs } = findWindow(period, now, zone)
      expect(startsAtMs).toBeLessThanOrEqual(now)
      expect(endsAtMs).toBeGreaterThan(now)
      expect(findWindow(period, endsAtMs - 1, zone).startsAtMs).toBe(startsAtMs)
      expect(findWindow(period, endsAtMs, zone).startsAtMs).toBe(endsAtMs)
      now = endsAtMs
    }
  }
})

test('a budget in total never resets', () => {
  expect(findWindow('total', Date.now(), 'UTC').endsAtMs).toBe(Infinity)
})

test('the calendar moves on when a window has ended', () => {
  const calendar = new BudgetCalendar()
  const first = calendar.current('day', 'UTC', at('2026-11-21T23:59:59Z'))
  expect(calendar.current('day', 'UTC', at('2026-11-21T00:00:00Z'))).toBe(first)
  expect(calendar.current('day', 'UTC', at('2026-11-22T00:00:00Z')).startsAtMs).toBe(first.endsAtMs)
})

test('a window\'s id is a UUID of its own for each level, subject, period and start', () => {
  const base = { scope: 'key', subjectId: 'a', period: 'day' } as const
  const ids = [windowId(base, 0), windowId(base, 1), windowId({ ...base, period: 'week' }, 0), windowId({ ...base, subjectId: 'b' }, 0), windowId({ ...base, scope: 'org' }, 0)]
  expect(new Set(ids).size).toBe(ids.length)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
})

describe('where an org changes its time zone', () => {
  const move = (times: BudgetTimes, timeZone: string, nowMs: number): BudgetTimes => ({ timeZone, keptWindows: keepWindows(times, timeZone, nowMs) })

  test.each<[BudgetPeriod, string, string, string]>([
    ['day', 'Europe/Berlin', '2026-11-21T23:30:00Z', '2026-11-22T23:00:00.000Z'],
    ['day', 'Asia/Kolkata', '2026-11-21T12:00:00Z', '2026-11-22T18:30:00.000Z'],
    ['day', 'Africa/Abidjan', '2026-11-21T12:00:00Z', '2026-11-22T00:00:00.000Z'],
    ['day', 'Pacific/Kiritimati', '2026-11-21T12:00:00Z', '2026-11-22T10:00:00.000Z'],
    ['day', 'America/New_York', '2026-11-21T00:00:00Z', '2026-11-22T05:00:00.000Z'],
    ['week', 'Pacific/Kiritimati', '2026-11-21T12:00:00Z', '2026-11-23T00:00:00.000Z'],
    ['week', 'Pacific/Pago_Pago', '2026-11-21T12:00:00Z', '2026-11-23T11:00:00.000Z'],
    ['month', 'Europe/Berlin', '2026-11-30T23:30:00Z', '2026-12-01T00:00:00.000Z'],
    ['month', 'America/New_York', '2026-11-21T12:00:00Z', '2026-12-01T05:00:00.000Z']
  ])('from UTC, the %s goes on until it ends, or, where it left a stub, until that does: %s at %s', (period, zone, now, end) => {
    const running = findWindow(period, at(now), 'UTC')
    const times = move({ timeZone: 'UTC' }, zone, at(now))
    expect(findBudgetWindow(period, at(now), times)).toEqual({ startsAtMs: running.startsAtMs, endsAtMs: at(end) })
    expect(findBudgetWindow(period, at(end) - 1, times).startsAtMs).toBe(running.startsAtMs)
    expect(findBudgetWindow(period, at(end), times)).toEqual(findWindow(period, at(end), zone))
  })

  test('what is spent of a total stays spent, too', () => {
    expect(findBudgetWindow('total', at('2026-11-21T12:00:00Z'), move({ timeZone: 'UTC' }, 'Asia/Tokyo', at('2026-11-21T12:00:00Z')))).toEqual({ startsAtMs: 0, endsAtMs: Infinity })
  })

  test('and back, what runs ends as if it had not', () => {
    const now = at('2026-11-21T12:00:00Z')
    const moved = move({ timeZone: 'UTC' }, 'Asia/Tokyo', now)
    expect(findBudgetWindow('day', now, moved).endsAtMs).toBe(at('2026-11-22T15:00:00Z'))
    for (const period of ['day', 'week', 'month'] as const) expect(findBudgetWindow(period, now, move(moved, 'UTC', now))).toEqual(findWindow(period, now, 'UTC'))
  })

  // A day is as long as the shortest there is, where the clock is put forward.
  test.each([['day', 23], ['week', 7 * 12], ['month', 28 * 12]] as const)('however often it does, a %s has at least %i hours', (period, hours) => {
    const zones = ['Pacific/Kiritimati', 'UTC', 'America/New_York', 'Asia/Tokyo', 'Pacific/Pago_Pago', 'Europe/Berlin', 'Asia/Kolkata']
    let times: BudgetTimes = { timeZone: 'UTC' }
    let [startsAtMs, since] = [NaN, -Infinity]
    for (let hour = 0; hour < 100 * 24; hour++) {
      const now = at('2027-02-01T00:00:00Z') + hour * HOUR_MS
      const window = findBudgetWindow(period, now, times)
      if (window.startsAtMs !== startsAtMs) {
        expect(now - since).toBeGreaterThanOrEqual(hours * HOUR_MS)
        ;[startsAtMs, since] = [window.startsAtMs, now]
      }
      // Each hour, no day would ever end.
      if (hour % 13 === 0) times = move(times, zones[hour / 13 % zones.length] ?? 'UTC', now)
      expect(findBudgetWindow(period, now, times).startsAtMs).toBe(startsAtMs)
    }
  })
})
