import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { alertDeliveries } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'

/** Makes a delivery due now, with all its attempts before it: a failed one, one that waits, or one that arrived and is wanted again. @throws {LoomError} `not_found` */
export async function resendDelivery(orm: Orm, author: Author, deliveryId: string): Promise<void> {
  const { orgId } = author.principal
  await orm.transaction(async (transaction) => {
    const isThis = and(eq(alertDeliveries.id, deliveryId), eq(alertDeliveries.orgId, orgId))
    const [row] = await transaction.select({ status: alertDeliveries.status }).from(alertDeliveries).where(isThis).for('update')
    if (!row) throw new LoomError('not_found', 'There is nothing with this id.')
    await transaction.update(alertDeliveries).set({ status: 'pending', attempts: 0, nextAttemptAt: new Date(), error: null, responseStatus: null, deliveredAt: null }).where(isThis)
    await recordChange(transaction, author, { action: 'alert_delivery.resend', target: `alert_delivery:${deliveryId}`, before: row, after: { status: 'pending' } })
  })
}
