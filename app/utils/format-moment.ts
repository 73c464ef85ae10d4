import type { Translate } from './translate'

const minute = 60_000, hour = 60 * minute, day = 24 * hour

const clock = (at: Date, timeZone?: string) =>
  at.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', timeZone })

const calendar = (at: Date, now: Date, timeZone?: string) =>
  at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: at.getFullYear() === now.getFullYear() ? undefined : 'numeric', timeZone })

/** A moment in the words of someone looking at a list: "now", "5 min ago", "3 h ago", "12 Nov, 09:41". */
export function formatMoment(at: Date, now: Date, t: Translate): string {
  const age = now.getTime() - at.getTime()
  // The reader's clock is read twice a minute, and the server's may be ahead of it.
  if (Math.abs(age) < minute) return t('common.moments.now')
  if (age >= 0 && age < hour) return t('common.moments.minutesAgo', { minutes: Math.floor(age / minute) })
  if (age >= 0 && age < day) return t('common.moments.hoursAgo', { hours: Math.floor(age / hour) })
  return `${calendar(at, now)}, ${clock(at)}`
}

/** The same moment where the reader's clock and time zone are unknown: "20 Nov, 09:41 UTC". */
export function formatUtc(at: Date): string {
  return `${calendar(at, at, 'UTC')}, ${clock(at, 'UTC')} UTC`
}

/** Every detail in the reader's own time zone, for a tooltip. */
export function formatExactly(at: Date): string {
  return at.toLocaleString('en-GB', { dateStyle: 'full', timeStyle: 'long' })
}
