const minute = 60_000, hour = 60 * minute, day = 24 * hour

const clock = (at: Date, timeZone?: string) =>
  at.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', timeZone })

const calendar = (at: Date, now: Date, timeZone?: string) =>
  at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: at.getFullYear() === now.getFullYear() ? undefined : 'numeric', timeZone })

/** A moment in the words of someone looking at a list: "now", "5 min ago", "3 h ago", "12 Nov, 09:41". */
export function formatMoment(at: Date, now: Date): string {
  const age = now.getTime() - at.getTime()
  if (age >= 0 && age < minute) return 'now'
  if (age >= 0 && age < hour) return `${Math.floor(age / minute)} min ago`
  if (age >= 0 && age < day) return `${Math.floor(age / hour)} h ago`
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
