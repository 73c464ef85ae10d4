import { eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { alertRules, alertWebhooks } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { lockWebhook } from './lock-webhook'

/** Takes it out of the rules that name it, too. What is on its way to it fails. @throws {LoomError} `not_found` */
export async function deleteWebhook(orm: Orm, author: Author, webhookId: string): Promise<void> {
  const { orgId } = author.principal
  await orm.transaction(async (transaction) => {
    const { name, url } = await lockWebhook(transaction, author.principal, webhookId)
    await transaction.update(alertRules).set({ webhookIds: sql`array_remove(${alertRules.webhookIds}, ${webhookId}::uuid)` }).where(eq(alertRules.orgId, orgId))
    await transaction.delete(alertWebhooks).where(eq(alertWebhooks.id, webhookId))
    await recordChange(transaction, author, { action: 'alert_webhook.delete', target: `alert_webhook:${webhookId}`, before: { name, url } })
  })
}
