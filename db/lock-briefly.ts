import { z } from 'zod'
import type { Database, Query } from './client'

/** Who waits for a lock of a whole table has everybody after it wait, too: rather tried again later than calls that queue. */
const LOCK_TIMEOUT_MS = 250

/** SQLSTATE: something is in use for longer, or each waits for the other. */
const InUse = z.object({ code: z.enum(['55P03', '40P01']) })

/**
 * Runs `run` in a transaction that waits for no lock for longer than calls may queue behind it.
 * @returns undefined when something was in use, and nothing was done: to be tried another time
 */
export async function lockBriefly<Result>(db: Pick<Database, 'transaction'>, run: (query: Query) => Promise<Result>): Promise<{ result: Result } | undefined> {
  try {
    return await db.transaction(async (query) => {
      await query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`)
      return { result: await run(query) }
    })
  } catch (error) {
    if (!InUse.safeParse(error).success) throw error
    return undefined
  }
}
