import { asc, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { alertRules, alertWebhooks } from '../../db/schema'
import type { AlertRule, AlertSettings, AlertWebhook } from '../../shared/alerts'
import { AlertCondition } from '../../shared/alerts'
import { versionOf } from '../versions/version-of'

/** What an org wants to be told of, and where; never a signing secret. */
export async function listAlerts(orm: Orm, orgId: string): Promise<Omit<AlertSettings, 'emailAvailable'>> {
  const rules = await orm.select().from(alertRules).where(eq(alertRules.orgId, orgId)).orderBy(asc(alertRules.id))
  const webhooks = await orm.select().from(alertWebhooks).where(eq(alertWebhooks.orgId, orgId)).orderBy(asc(alertWebhooks.id))
  return { rules: rules.map(toRule), webhooks: webhooks.map(toWebhook) }
}

/** What of a rule can be changed. */
export function ruleFields({ name, config, webhookIds, emails, enabled }: typeof alertRules.$inferSelect) {
  return { name, condition: AlertCondition.parse(config), webhookIds, emails, enabled }
}

export function toRule(row: typeof alertRules.$inferSelect): AlertRule {
  const fields = ruleFields(row)
  return { id: row.id, version: versionOf(fields), ...fields, createdAt: row.createdAt.toISOString() }
}

/** What of a webhook can be changed. */
export function webhookFields({ name, url, enabled }: typeof alertWebhooks.$inferSelect) {
  return { name, url, enabled }
}

export function toWebhook(row: typeof alertWebhooks.$inferSelect): AlertWebhook {
  const fields = webhookFields(row)
  return { id: row.id, version: versionOf(fields), ...fields, createdAt: row.createdAt.toISOString() }
}
