import type { Database } from '../../db/client'
import { holdFunds } from './hold-funds'
import type { HoldRequest } from './hold-funds'

/**
 * Holds what was spent already, or as much of it as wallet and budgets still reach. In a transaction, so that what was found available stays so.
 * @returns false when its ref is taken
 */
export async function holdAtMost(db: Pick<Database, 'query'>, replicaId: string, request: HoldRequest): Promise<boolean> {
  let { amount } = request
  for (;;) {
    const [result] = await holdFunds(db, replicaId, [{ ...request, amount }])
    if (result?.outcome === 'held') return true
    if (result?.outcome === 'ref_taken') return false
    // Each refusal tells a smaller amount, of the budgets first, then of the wallet.
    if (result?.outcome === 'insufficient' || result?.outcome === 'over_budget') amount = result.available
    else throw new Error('The wallet, or a window of a budget, is gone')
  }
}
