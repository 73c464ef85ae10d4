import { z } from 'zod'
import type { Database } from '../../db/client'
import { DRAWN_ON_LEASES } from './drawn-on-leases'
import type { BudgetShare } from './hold-funds'

const Amount = z.object({ amount: z.coerce.bigint() })
const Available = z.object({ available: z.coerce.bigint().nullable() })

/** What a budget would have left if every call under way cost nothing, nano-USD; below zero where its limit was lowered. */
export async function unspentInWindow(db: Pick<Database, 'query'>, { windowId, limit }: BudgetShare): Promise<bigint> {
  const [row] = await db.query(`select (spent + ${DRAWN_ON_LEASES})::text as amount from budget_windows where id = $1`, [windowId])
  return limit - Amount.parse(row).amount
}

/** What a prepaid wallet has that is neither held for calls under way nor set aside in leases, nano-USD; null for an unlimited one. */
export async function availableInWallet(db: Pick<Database, 'query'>, orgId: string): Promise<bigint | null> {
  const [row] = await db.query(`select case mode when 'prepaid' then (balance - held)::text end as available from wallets where org_id = $1`, [orgId])
  return Available.parse(row).available
}

/** What an org's wallet would have available if every call under way cost nothing, nano-USD. */
export async function unspentInWallet(db: Pick<Database, 'query'>, orgId: string): Promise<bigint> {
  const [row] = await db.query('select balance::text as amount from wallets where org_id = $1', [orgId])
  return Amount.parse(row).amount
}
