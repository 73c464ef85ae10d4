import { and, eq, sum } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { transactions, wallets } from '../../db/schema'
import type { Refunded, RefundCharge } from '../../shared/billing'
import { parseUsdDecimal, toUsdDecimal } from '../../shared/money'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import { findPosted } from './find-posted'
import { describeWallet, lockWallet } from './lock-wallet'
import type { WalletRow } from './lock-wallet'

/**
 * Gives a captured charge back to the wallet it was taken from, as a transaction that names it: whole, in part, in several
 * parts, never more than was captured. The same `refId` for the same charge changes nothing.
 * @throws {LoomError} `not_found` for a charge the org does not have; `conflict` for one that took nothing, or that has less left to give back
 * than is asked; `ref_id_conflict` when the ref names something else
 */
export async function refundCharge(orm: Orm, author: Author, orgId: string, { chargeId, amountUsd, refId, description }: RefundCharge): Promise<Refunded> {
  const asked = amountUsd === undefined ? undefined : parseUsdDecimal(amountUsd)
  return orm.transaction(async (transaction) => {
    // Holding the wallet's lock, no other refund of this charge can be under way.
    const wallet = await lockWallet(transaction, orgId)
    const repeated = await findPosted(transaction, orgId, refId, row => row.chargeId === chargeId && (asked === undefined || row.amount === asked))
    if (repeated) return { refundId: repeated.id, amountNanoUsd: repeated.amount.toString(), wallet: describeWallet(wallet) }
    const left = await readRefundable(transaction, orgId, chargeId)
    const amount = asked ?? left
    if (amount <= 0n || amount > left) {
      throw new LoomError('conflict', `Of this charge, $${toUsdDecimal(left)} can still be given back.`, { param: 'amountUsd', details: { refundable_usd: toUsdDecimal(left) } })
    }
    const refundId = await postRefund(transaction, wallet, { refId, amount, chargeId, description, actor: author.principal.userId })
    await recordChange(transaction, author, { orgId, action: 'charge.refund', target: `transaction:${chargeId}`, after: { refundId, amountUsd: toUsdDecimal(amount), refId, description } })
    return { refundId, amountNanoUsd: amount.toString(), wallet: describeWallet({ ...wallet, balance: wallet.balance + amount }) }
  })
}

interface Refund { refId: string, amount: bigint, chargeId: string, description: string, actor: string }

/** Posts a refund of nano-USD to a wallet that the transaction has locked; its id. */
export async function postRefund(transaction: Orm, { orgId, balance }: Pick<WalletRow, 'orgId' | 'balance'>, { amount, ...refund }: Refund): Promise<string> {
  const balanceAfter = balance + amount
  const [posted] = await transaction.insert(transactions).values({ orgId, amount, ...refund, type: 'refund', status: 'posted', balanceAfter, settledAt: new Date() }).returning({ id: transactions.id })
  if (!posted) throw new Error('The refund just written was not returned')
  await transaction.update(wallets).set({ balance: balanceAfter }).where(eq(wallets.orgId, orgId))
  return posted.id
}

/**
 * What of a charge was captured and not given back yet, nano-USD; exact while the wallet is locked.
 * @throws {LoomError} `not_found` for a charge the org does not have, `conflict` for one that took nothing
 */
export async function readRefundable(transaction: Orm, orgId: string, chargeId: string): Promise<bigint> {
  const [charge] = await transaction.select({ status: transactions.status, captured: transactions.captured }).from(transactions)
    .where(and(eq(transactions.orgId, orgId), eq(transactions.id, chargeId), eq(transactions.type, 'charge')))
  if (!charge) throw new LoomError('not_found', 'This organisation has no charge with this id.', { param: 'chargeId' })
  if (charge.status !== 'captured') throw new LoomError('conflict', `This charge is ${charge.status}: it took nothing that could be given back.`, { param: 'chargeId' })
  const [refunds] = await transaction.select({ total: sum(transactions.amount) }).from(transactions)
    .where(and(eq(transactions.orgId, orgId), eq(transactions.chargeId, chargeId)))
  return charge.captured - BigInt(refunds?.total ?? 0)
}
