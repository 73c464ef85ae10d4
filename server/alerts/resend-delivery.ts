import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { alertDeliveries } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import { lockWebhook } from './lock-webhook'
import { requireFewWaiting } from './require-few-waiting'

/**
 * Makes a delivery due now, with all its attempts before it: a failed one, one that waits, or one that arrived and is wanted again. A mail that arrived stays
 * as it is, for it counts among the day's: another goes out.
 * @throws {LoomError} `not_found`, `conflict` when too many deliveries to the same webhook wait already
 */
export async function resendDelivery(orm: Orm, author: Author, deliveryId: string): Promise<void> {
  const { orgId } = author.principal
  await orm.transaction(async (transaction) => {
    const isThis = and(eq(alertDeliveries.id, deliveryId), eq(alertDeliveries.orgId, orgId))
    const [sent] = await transaction.select({ webhookId: alertDeliveries.webhookId }).from(alertDeliveries).where(isThis)
    if (sent?.webhookId) {
      await lockWebhook(transaction, author.principal, sent.webhookId)
      await requireFewWaiting(transaction, orgId, sent.webhookId)
    }
    const [row] = await transaction.select().from(alertDeliveries).where(isThis).for('update')
    if (!row) throw new LoomError('not_found', 'There is nothing with this id.')
    const { eventId, channel, recipient, status } = row
    if (channel === 'email' && status === 'delivered') await transaction.insert(alertDeliveries).values({ orgId, eventId, channel, recipient })
    else await transaction.update(alertDeliveries).set({ status: 'pending', attempts: 0, nextAttemptAt: new Date(), error: null, responseStatus: null, deliveredAt: null }).where(isThis)
    await recordChange(transaction, author, { action: 'alert_delivery.resend', target: `alert_delivery:${deliveryId}`, before: { status }, after: { status: 'pending' } })
  })
}
