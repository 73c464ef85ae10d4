import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { alertWebhooks } from '../../db/schema'
import type { AlertWebhook, UpdateAlertWebhook } from '../../shared/alerts'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { toWebhook } from './list-alerts'
import { lockWebhook } from './lock-webhook'
import { requireReachable } from './require-reachable'

/** @throws {LoomError} `not_found`, or `invalid_request` for an address that tenants may not reach */
export async function updateWebhook(orm: Orm, author: Author, webhookId: string, change: UpdateAlertWebhook): Promise<AlertWebhook> {
  if (change.url !== undefined) requireReachable(author.principal, change.url)
  return orm.transaction(async (transaction) => {
    const { name, url, enabled } = await lockWebhook(transaction, author.principal, webhookId)
    const before = { name, url, enabled }
    const after = { ...before, ...change }
    const [row] = await transaction.update(alertWebhooks).set(after).where(eq(alertWebhooks.id, webhookId)).returning()
    if (!row) throw new Error('The webhook just written was not returned')
    await recordChange(transaction, author, { action: 'alert_webhook.update', target: `alert_webhook:${webhookId}`, before, after })
    return toWebhook(row)
  })
}
