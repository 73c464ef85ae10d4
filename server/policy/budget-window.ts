import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { BudgetPeriod } from '../../shared/policy'
import type { BudgetRule } from './compile-policy'

/** One period of a budget. A call counts in the one it begins in. */
export interface BudgetWindow {
  startsAtMs: number
  /** When the next begins; Infinity for a budget in total. */
  endsAtMs: number
}

const Kept = z.object({ startsAtMs: z.number(), endsAtMs: z.number() }).optional()

/** What an org's settings say of its budgets' periods. */
export const BudgetTimes = z.object({
  timeZone: z.string().default('UTC'),
  /** Windows that ran when the time zone was changed: each goes on, with what it has counted, until its end; only then do its periods follow the zone. */
  keptWindows: z.object({ day: Kept, week: Kept, month: Kept }).optional()
})
export type BudgetTimes = z.infer<typeof BudgetTimes>

const DAY_MS = 86_400_000
/** No time zone is further from UTC, and no clock change larger. */
const MAX_OFFSET_MS = 15 * 3_600_000
const MONDAY = 1

/**
 * The day, week (from Monday) or month at `nowMs` in a time zone: it begins with the first moment of its first day there, which is
 * not midnight where the clock is put forward then, and a day may have 23 or 25 hours.
 */
export function findWindow(period: BudgetPeriod, nowMs: number, timeZone: string): BudgetWindow {
  if (period === 'total') return { startsAtMs: 0, endsAtMs: Infinity }
  const today = localDate(nowMs, timeZone)
  const first = firstDay(period, today)
  return { startsAtMs: startOfDay(first, timeZone), endsAtMs: startOfDay(nextFirstDay(period, first), timeZone) }
}

/** The window of an org's budgets at `nowMs`. */
export function findBudgetWindow(period: BudgetPeriod, nowMs: number, { timeZone, keptWindows }: BudgetTimes): BudgetWindow {
  const kept = period === 'total' ? undefined : keptWindows?.[period]
  return kept && nowMs < kept.endsAtMs ? kept : findWindow(period, nowMs, timeZone)
}

/** The windows to keep when an org's time zone becomes `timeZone`: those that run, so that no change of it gives a budget back. */
export function keepWindows(times: BudgetTimes, timeZone: string, nowMs: number): BudgetTimes['keptWindows'] {
  const keep = (period: 'day' | 'week' | 'month') => keepWindow(period, findBudgetWindow(period, nowMs, times), timeZone, nowMs)
  return { day: keep('day'), week: keep('week'), month: keep('month') }
}

/**
 * It ends when it would have, and what is then left of a period of the new zone belongs to it too where that is a stub, which would have a whole budget: of
 * a week or month less than half, and of a day all that is no whole one, for days could be cut short again and again. One that began as a period of the zone ends as that.
 */
function keepWindow(period: 'day' | 'week' | 'month', running: BudgetWindow, timeZone: string, nowMs: number): BudgetWindow {
  const own = findWindow(period, running.startsAtMs, timeZone)
  if (own.startsAtMs === running.startsAtMs && nowMs < own.endsAtMs) return own
  const next = findWindow(period, running.endsAtMs, timeZone)
  const leastMs = (next.endsAtMs - next.startsAtMs) / (period === 'day' ? 1 : 2)
  return next.endsAtMs - running.endsAtMs < leastMs ? { ...running, endsAtMs: next.endsAtMs } : running
}

/**
 * The id of a budget's window, the same on every replica.
 * @param startsAtMs as `findWindow` says
 */
export function windowId({ scope, subjectId, period }: Pick<BudgetRule, 'scope' | 'subjectId' | 'period'>, startsAtMs: number): string {
  const hex = createHash('sha256').update(`${scope}:${subjectId}:${period}:${startsAtMs}`).digest('hex')
  // A UUIDv8: any bits we like around the version and variant. Source: RFC 9562, 5.8.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** Days are counted from 1970-01-01, so that calendars are plain arithmetic. */
function firstDay(period: 'day' | 'week' | 'month', today: number): number {
  if (period === 'day') return today
  const date = new Date(today * DAY_MS)
  if (period === 'week') return today - (date.getUTCDay() - MONDAY + 7) % 7
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / DAY_MS
}

function nextFirstDay(period: 'day' | 'week' | 'month', first: number): number {
  if (period !== 'month') return first + (period === 'day' ? 1 : 7)
  const date = new Date(first * DAY_MS)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / DAY_MS
}

/** The first moment whose date in the time zone is `day` or later, found by halving: dates only go forward, but where a zone skips a day. */
function startOfDay(day: number, timeZone: string): number {
  let [before, after] = [day * DAY_MS - MAX_OFFSET_MS, day * DAY_MS + MAX_OFFSET_MS]
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (localDate(middle, timeZone) >= day) after = middle
    else before = middle
  }
  return after
}

/** The date in a time zone, `YYYY-MM-DD`. */
export function dateIn(timeZone: string, ms: number): string {
  return new Date(localDate(ms, timeZone) * DAY_MS).toISOString().slice(0, 10)
}

const formats = new Map<string, Intl.DateTimeFormat>()

function localDate(ms: number, timeZone: string): number {
  let format = formats.get(timeZone)
  if (!format) formats.set(timeZone, format = new Intl.DateTimeFormat('en-u-ca-iso8601', { timeZone, year: 'numeric', month: 'numeric', day: 'numeric' }))
  const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]))
  return Date.UTC(parts.year ?? NaN, (parts.month ?? NaN) - 1, parts.day ?? NaN) / DAY_MS
}

/** Windows as they are now, found anew only when one has ended: a calendar costs more than all else of a call's policy. */
export class BudgetCalendar {
  private readonly windows = new Map<string, BudgetWindow>()

  current(period: BudgetPeriod, timeZone: string, nowMs = Date.now()): BudgetWindow {
    const name = `${period}:${timeZone}`
    const known = this.windows.get(name)
    if (known && known.startsAtMs <= nowMs && nowMs < known.endsAtMs) return known
    const window = findWindow(period, nowMs, timeZone)
    this.windows.set(name, window)
    return window
  }
}
