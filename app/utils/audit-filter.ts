import type { AuditFilter } from '#shared/audit'

/** What the fields of the page say, as the API takes it: days are whole ones, of UTC, and the last one is included. */
export function toAuditFilter({ from, to, ...rest }: { userId?: string, action?: string, target?: string, from?: string, to?: string }): AuditFilter {
  const day = (text: string | undefined, after = 0) => {
    const at = text ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
    return Number.isNaN(at) ? undefined : new Date(at + after).toISOString()
  }
  return { ...rest, from: day(from), to: day(to, 86_400_000) }
}
