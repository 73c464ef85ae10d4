import type { AuditFilter } from '#shared/audit'

/** What the fields of the page say, as the API takes it: days are whole ones, of UTC, and the last one is included. A year that is being typed, a 2 that becomes 2026, is none yet. */
export function toAuditFilter({ from, to, ...rest }: { userId?: string, action?: string, target?: string, from?: string, to?: string }): AuditFilter {
  const day = (text: string | undefined, after = 0) => {
    const at = text ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
    return at >= 0 ? new Date(at + after).toISOString() : undefined
  }
  return { ...rest, from: day(from), to: day(to, 86_400_000) }
}
