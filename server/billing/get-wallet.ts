import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { wallets } from '../../db/schema'
import type { Wallet } from '../../shared/billing'
import { LoomError } from '../errors'
import { describeWallet } from './lock-wallet'

/** @throws {LoomError} `not_found` */
export async function getWallet(orm: Orm, orgId: string): Promise<Wallet> {
  const [row] = await orm.select().from(wallets).where(eq(wallets.orgId, orgId))
  if (!row) throw new LoomError('not_found', 'This organisation has no wallet.')
  return describeWallet(row)
}
