import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { transactions, wallets } from '../../db/schema'
import { parseUsdDecimal, toUsdDecimal } from '../../shared/money'
import type { PostFunds, Wallet } from '../../shared/billing'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import { findPosted } from './find-posted'
import { describeWallet, lockWallet } from './lock-wallet'
import { MAX_BALANCE } from './max-balance'

/**
 * Adds money to an org's wallet as one posted transaction: a top-up, or an adjustment, which may take it away. Posting
 * the same `refId`, type and amount again changes nothing.
 * @throws {LoomError} `not_found`; `invalid_request` beyond what a wallet can hold; `ref_id_conflict` when the ref names something else; `insufficient_funds` when an adjustment would take more than is free
 */
export async function postFunds(orm: Orm, author: Author, orgId: string, { amountUsd, refId, description, ...input }: PostFunds): Promise<Wallet> {
  const amount = parseUsdDecimal(amountUsd)
  const type = input.type ?? (amount < 0n ? 'adjustment' : 'topup')
  return orm.transaction(async (transaction) => {
    // Holding the wallet's lock, nobody else can post, hold or charge in this org until we are done.
    const wallet = await lockWallet(transaction, orgId)
    if (await findPosted(transaction, orgId, refId, row => row.type === type && row.amount === amount)) return describeWallet(wallet)
    const balance = wallet.balance + amount
    if (wallet.mode === 'prepaid' && balance < wallet.held) throw new LoomError('insufficient_funds', `The wallet has only $${toUsdDecimal(wallet.balance - wallet.held)} free.`)
    if (balance > MAX_BALANCE || balance < -MAX_BALANCE) throw new LoomError('invalid_request', `A wallet cannot stand beyond $${toUsdDecimal(MAX_BALANCE)}.`, { param: 'amountUsd' })
    await transaction.insert(transactions).values({
      orgId, refId, amount, description, type, status: 'posted', balanceAfter: balance, actor: author.principal.userId, settledAt: new Date()
    })
    await transaction.update(wallets).set({ balance }).where(eq(wallets.orgId, orgId))
    await recordChange(transaction, author, { orgId, action: 'wallet.post', target: `org:${orgId}`, after: { type, amountUsd, refId, description } })
    return describeWallet({ ...wallet, balance })
  })
}
