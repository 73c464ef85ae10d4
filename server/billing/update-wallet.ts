import { eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { wallets } from '../../db/schema'
import type { Wallet, WalletSettings } from '../../shared/billing'
import { toUsdDecimal } from '../../shared/money'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import { requireVersion } from '../versions/require-version'
import { takeLeasesBack } from './lease-funds'
import { describeWallet, lockWallet, walletFields } from './lock-wallet'

/**
 * Makes an org prepaid or unlimited, and sets its markup or discount, and the price of cached answers, for the calls to come. Every replica knows within a second; a
 * call under way is charged as it was held.
 * @param version of these settings as the author saw them; undefined: whatever they are now
 * @throws {LoomError} `not_found`; `conflict` when an unlimited org that used more than was posted should become prepaid, or they are others by now
 */
export async function updateWallet(orm: Orm, author: Author, orgId: string, change: WalletSettings, version?: string): Promise<Wallet> {
  return orm.transaction(async (transaction) => {
    const wallet = await takeLeasesBack(transaction, await lockWallet(transaction, orgId))
    const before = walletFields(wallet)
    await requireVersion(transaction, { orgId, target: `org:${orgId}`, actions: ['wallet.update'], fields: before, expected: version })
    const after = { mode: change.mode ?? before.mode, markupBasisPoints: change.markupBasisPoints ?? before.markupBasisPoints, cacheHitBasisPoints: change.cacheHitBasisPoints ?? before.cacheHitBasisPoints }
    if (after.mode === 'prepaid' && wallet.balance < wallet.held) {
      throw new LoomError('conflict', `The wallet stands at $${toUsdDecimal(wallet.balance)}. Post funds first, so that a prepaid wallet does not start below zero.`)
    }
    await transaction.update(wallets).set(after).where(eq(wallets.orgId, orgId))
    await recordChange(transaction, author, { orgId, action: 'wallet.update', target: `org:${orgId}`, before, after })
    // Callers are cached with their wallet's settings.
    await transaction.execute(sql`select pg_notify('loom_orgs', ${orgId})`)
    return describeWallet({ ...wallet, ...after })
  })
}
