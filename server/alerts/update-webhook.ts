import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { alertWebhooks } from '../../db/schema'
import type { AlertWebhook, UpdateAlertWebhook } from '../../shared/alerts'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { requireVersion } from '../versions/require-version'
import { toWebhook, webhookFields } from './list-alerts'
import { lockWebhook } from './lock-webhook'
import { requireReachable } from './require-reachable'

/**
 * Changes what `change` names.
 * @param version of the webhook as the author saw it; undefined: whatever it is now
 * @throws {LoomError} `not_found`, `invalid_request` for an address that tenants may not reach, `conflict` when the webhook is another by now
 */
export async function updateWebhook(orm: Orm, author: Author, webhookId: string, change: UpdateAlertWebhook, version?: string): Promise<AlertWebhook> {
  if (change.url !== undefined) requireReachable(author.principal, change.url)
  return orm.transaction(async (transaction) => {
    const before = webhookFields(await lockWebhook(transaction, author.principal, webhookId))
    await requireVersion(transaction, { orgId: author.principal.orgId, target: `alert_webhook:${webhookId}`, actions: ['alert_webhook.update'], fields: before, expected: version })
    const after = { ...before, ...change }
    const [row] = await transaction.update(alertWebhooks).set(after).where(eq(alertWebhooks.id, webhookId)).returning()
    if (!row) throw new Error('The webhook just written was not returned')
    await recordChange(transaction, author, { action: 'alert_webhook.update', target: `alert_webhook:${webhookId}`, before, after })
    return toWebhook(row)
  })
}
