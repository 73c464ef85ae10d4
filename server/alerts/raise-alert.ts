import { and, eq, inArray } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Orm } from '../../db/client'
import { alertDeliveries, alertEvents, alertWebhooks } from '../../db/schema'
import type { alertRules } from '../../db/schema'

/** A rule that is switched on, as it is stored. */
export type AlertRuleRow = typeof alertRules.$inferSelect

/** Something a rule wants to be told of. */
export interface Occasion {
  /** Names the occasion within its rule: the same is told once. */
  dedupeKey: string
  /** In one sentence, for people. */
  summary: string
  /** For programs; never a secret. */
  details: Record<string, unknown>
}

/**
 * Makes an event of an occasion and a delivery for each recipient of its rule, unless some replica has done so before.
 * @returns whether it was new
 */
export async function raiseAlert(orm: Orm, rule: AlertRuleRow, { dedupeKey, summary, details }: Occasion): Promise<boolean> {
  const { orgId } = rule
  return orm.transaction(async (transaction) => {
    const [event] = await transaction.insert(alertEvents).values({ id: uuidv7(), orgId, ruleId: rule.id, kind: rule.kind, dedupeKey, summary, details }).onConflictDoNothing().returning({ id: alertEvents.id })
    if (!event) return false
    const webhooks = rule.webhookIds.length === 0
      ? []
      : await transaction.select({ id: alertWebhooks.id, name: alertWebhooks.name }).from(alertWebhooks)
          .where(and(eq(alertWebhooks.orgId, orgId), inArray(alertWebhooks.id, rule.webhookIds), eq(alertWebhooks.enabled, true)))
    const deliveries = [
      ...webhooks.map(({ id, name }) => ({ orgId, eventId: event.id, channel: 'webhook' as const, webhookId: id, recipient: name })),
      ...[...new Set(rule.emails)].map(email => ({ orgId, eventId: event.id, channel: 'email' as const, recipient: email }))
    ]
    if (deliveries.length > 0) await transaction.insert(alertDeliveries).values(deliveries)
    return true
  })
}
