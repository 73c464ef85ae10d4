import { eq } from 'drizzle-orm'
import type { InferSelectModel } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { wallets } from '../../db/schema'
import type { Wallet } from '../../shared/billing'
import { LoomError } from '../errors'

export type WalletRow = InferSelectModel<typeof wallets>

/**
 * The org's wallet, locked until the transaction ends.
 * @throws {LoomError} `not_found`
 */
export async function lockWallet(transaction: Orm, orgId: string): Promise<WalletRow> {
  const [row] = await transaction.select().from(wallets).where(eq(wallets.orgId, orgId)).for('update')
  if (!row) throw new LoomError('not_found', 'There is no organisation with this id.')
  return row
}

/** What a platform admin may change of it. */
export function walletFields({ mode, markupBasisPoints, cacheHitBasisPoints }: Pick<WalletRow, 'mode' | 'markupBasisPoints' | 'cacheHitBasisPoints'>) {
  return { mode, markupBasisPoints, cacheHitBasisPoints }
}

export function describeWallet({ mode, balance, held, markupBasisPoints, cacheHitBasisPoints }: Pick<WalletRow, 'mode' | 'balance' | 'held' | 'markupBasisPoints' | 'cacheHitBasisPoints'>): Wallet {
  return { mode, balanceNanoUsd: balance.toString(), heldNanoUsd: held.toString(), markupBasisPoints, cacheHitBasisPoints }
}
