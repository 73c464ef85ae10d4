import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { alertDeliveries } from '../../db/schema'
import { LoomError } from '../errors'

const MOST_WAITING = 5

/**
 * Keeps deliveries that people ask for from piling up. Call it under the lock of the webhook (`lockWebhook`).
 * @throws {LoomError} `conflict` when so many to this webhook have not been attempted yet
 */
export async function requireFewWaiting(transaction: Orm, orgId: string, webhookId: string): Promise<void> {
  const waiting = and(eq(alertDeliveries.orgId, orgId), eq(alertDeliveries.webhookId, webhookId), eq(alertDeliveries.status, 'pending'), eq(alertDeliveries.attempts, 0))
  if (await transaction.$count(alertDeliveries, waiting) >= MOST_WAITING) throw new LoomError('conflict', `${MOST_WAITING} deliveries to this webhook have not been attempted yet. Try again in a moment.`)
}
