import { v7 as uuidv7 } from 'uuid'
import type { Orm } from '../../db/client'
import { alertDeliveries, alertEvents } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { lockWebhook } from './lock-webhook'
import { requireFewWaiting } from './require-few-waiting'

/** Puts a test on its way to a webhook, a disabled one too. @throws {LoomError} `not_found`, `conflict` when too many deliveries to it wait already */
export async function testWebhook(orm: Orm, author: Author, webhookId: string): Promise<{ deliveryId: string }> {
  const { orgId } = author.principal
  return orm.transaction(async (transaction) => {
    const { name } = await lockWebhook(transaction, author.principal, webhookId)
    await requireFewWaiting(transaction, orgId, webhookId)
    const eventId = uuidv7()
    await transaction.insert(alertEvents).values({ id: eventId, orgId, kind: 'test', dedupeKey: eventId, summary: `A test of the webhook “${name}”.` })
    const [delivery] = await transaction.insert(alertDeliveries).values({ orgId, eventId, channel: 'webhook', webhookId, recipient: name }).returning({ id: alertDeliveries.id })
    if (!delivery) throw new Error('The delivery just written was not returned')
    await recordChange(transaction, author, { action: 'alert_webhook.test', target: `alert_webhook:${webhookId}` })
    return { deliveryId: delivery.id }
  })
}
