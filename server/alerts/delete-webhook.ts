import { and, arrayContains, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { alertRules, alertWebhooks } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { ruleFields } from './list-alerts'
import { lockWebhook } from './lock-webhook'

/** Takes it out of the rules that name it, too. What is on its way to it fails. @throws {LoomError} `not_found` */
export async function deleteWebhook(orm: Orm, author: Author, webhookId: string): Promise<void> {
  const { orgId } = author.principal
  await orm.transaction(async (transaction) => {
    const { name, url } = await lockWebhook(transaction, author.principal, webhookId)
    const rules = await transaction.select().from(alertRules).where(and(eq(alertRules.orgId, orgId), arrayContains(alertRules.webhookIds, [webhookId]))).for('update')
    for (const rule of rules) {
      const webhookIds = rule.webhookIds.filter(id => id !== webhookId)
      await transaction.update(alertRules).set({ webhookIds }).where(eq(alertRules.id, rule.id))
      await recordChange(transaction, author, { action: 'alert_rule.update', target: `alert_rule:${rule.id}`, before: ruleFields(rule), after: ruleFields({ ...rule, webhookIds }) })
    }
    await transaction.delete(alertWebhooks).where(eq(alertWebhooks.id, webhookId))
    await recordChange(transaction, author, { action: 'alert_webhook.delete', target: `alert_webhook:${webhookId}`, before: { name, url } })
  })
}
