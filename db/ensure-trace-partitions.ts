import { z } from 'zod'
import type { Database } from './client'
import { lockBriefly } from './lock-briefly'

/** The months made ahead at start and each hour: enough that a job failing for weeks goes unnoticed by traces. */
export const TRACE_MONTHS_AHEAD = 3

export interface PartitionReport {
  /** How many were made by this call. */
  made: number
  /** Months (`2026-11`) that a long read of traces was in the way of, or another replica: to be tried another time. */
  putOff: string[]
}

const Made = z.object({ made: z.boolean() })

/**
 * Makes the trace partitions of `from`'s month (UTC) and of the `monthsAhead` after it. May run anytime, on any
 * number of replicas: calls wait for it for a moment at most. Rows of a month without partition wait in `traces_default` and move when it is made.
 */
export async function ensureTracePartitions(db: Pick<Database, 'transaction'>, monthsAhead: number, from = new Date()): Promise<PartitionReport> {
  const report: PartitionReport = { made: 0, putOff: [] }
  for (let month = 0; month <= monthsAhead; month++) {
    const firstDay = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + month, 1))
    const done = await lockBriefly(db, query => query('select ensure_trace_partition($1) as made', [firstDay]))
    if (!done) report.putOff.push(firstDay.toISOString().slice(0, 7))
    else if (Made.parse(done.result[0]).made) report.made++
  }
  return report
}
