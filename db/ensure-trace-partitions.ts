import type { Database } from './client'

/** The months made ahead at start and each day: enough that a job failing for weeks goes unnoticed by traces. */
export const TRACE_MONTHS_AHEAD = 3

/**
 * Makes the trace partitions of `from`'s month (UTC) and of the `monthsAhead` after it. May run anytime, on any
 * number of replicas. Rows of a month without partition wait in `traces_default` and move when it is made.
 * @returns how many were made by this call
 */
export async function ensureTracePartitions(db: Database, monthsAhead: number, from = new Date()): Promise<number> {
  let made = 0
  for (let month = 0; month <= monthsAhead; month++) {
    const firstDay = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + month, 1))
    // In a transaction, apart from the hot connections: it may wait for its lock longer than they are given.
    const [row] = await db.transaction(query => query('select ensure_trace_partition($1) as made', [firstDay]))
    if (row?.made === true) made++
  }
  return made
}
