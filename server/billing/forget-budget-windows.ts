import type { Database } from '../../db/client'

/** How far back charges are looked up in the windows they counted in, by the check of the ledger. */
export const WINDOWS_KEPT_MONTHS = 13
/** By when a window has ended, and all that counts in it is older than those: it runs for less than two months. */
const FORGOTTEN_AFTER_MONTHS = WINDOWS_KEPT_MONTHS + 2
/** Rows a statement: short enough to hold up nobody. */
const BATCH_ROWS = 5_000
/** Statements a run, so that a stop does not wait for long; the next run goes on. */
const MAX_BATCHES = 100

/**
 * Deletes windows of budgets that ended over a year ago, in small batches: a call counts in the one it begins in, a refund in none. Never a budget in total, nor one in which anything is held. May run on every replica.
 * @returns how many were deleted
 */
export async function forgetBudgetWindows(db: Pick<Database, 'query'>, now = new Date()): Promise<number> {
  let forgotten = 0
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const rows = await db.query(`
      delete from budget_windows where id in (
        select id from budget_windows b where period <> 'total' and starts_at < $1::timestamptz - make_interval(months => $2::int) and held = 0
           and not exists (select from wallet_leases l where b.id = any(l.budget_windows)) limit $3::int for update skip locked
      ) returning 1`, [now, FORGOTTEN_AFTER_MONTHS, BATCH_ROWS])
    forgotten += rows.length
    if (rows.length < BATCH_ROWS) break
  }
  return forgotten
}
