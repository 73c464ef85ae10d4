import { and, eq, isNotNull, or } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { idempotencyKeys, transactions } from '../../db/schema'
import { findPosted } from './find-posted'
import { lockWallet } from './lock-wallet'
import { postRefund, readRefundable } from './refund-charge'

/**
 * Gives back what a call was charged whose answer was not given out: its capture was committed, though nobody heard so in time. Nothing where it was
 * not charged, or its answer waits for a repeat under its `Idempotency-Key`. May be asked again: a call is refunded once.
 */
export async function refundWithdrawn(orm: Orm, orgId: string, callId: string): Promise<void> {
  await orm.transaction(async (transaction) => {
    const [charge] = await transaction.select({ id: transactions.id }).from(transactions)
      .where(and(eq(transactions.orgId, orgId), or(eq(transactions.id, callId), eq(transactions.refId, `loom:late:${callId}`)), eq(transactions.status, 'captured')))
    if (!charge || await isKept(transaction, orgId, callId)) return
    const wallet = await lockWallet(transaction, orgId)
    const refId = `loom:withdrawn:${callId}`
    if (await findPosted(transaction, orgId, refId, row => row.chargeId === charge.id)) return
    const amount = await readRefundable(transaction, orgId, charge.id)
    if (amount > 0n) await postRefund(transaction, wallet, { refId, amount, chargeId: charge.id, description: 'The answer could not be given out', actor: 'system' })
  })
}

async function isKept(transaction: Orm, orgId: string, callId: string): Promise<boolean> {
  const [kept] = await transaction.select({ id: idempotencyKeys.requestId }).from(idempotencyKeys)
    .where(and(eq(idempotencyKeys.orgId, orgId), eq(idempotencyKeys.requestId, callId), isNotNull(idempotencyKeys.answer)))
  return kept !== undefined
}
