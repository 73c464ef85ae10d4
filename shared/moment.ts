import { z } from './zod'

/** Years that all of Loom can tell: PostgreSQL's calendar has no year 0, and JavaScript writes one of five digits as PostgreSQL does not read it. */
const FIRST_MS = Date.UTC(1970, 0)
const END_MS = Date.UTC(10_000, 0)

/** A time in ISO 8601. */
export const Moment = z.iso.datetime({ offset: true }).refine((text) => {
  const ms = Date.parse(text)
  return ms >= FIRST_MS && ms < END_MS
}, 'must lie in the years 1970 to 9999')
