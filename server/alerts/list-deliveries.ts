import { and, desc, eq, lt } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { alertDeliveries, alertEvents, alertRules } from '../../db/schema'
import type { AlertDelivery, AlertDeliveryPage, AlertDeliveryQuery } from '../../shared/alerts'

/** An org's deliveries, newest first, a page after the `cursor`. */
export async function listDeliveries(orm: Orm, orgId: string, { limit, cursor, status }: AlertDeliveryQuery): Promise<AlertDeliveryPage> {
  const rows = await orm.select({ delivery: alertDeliveries, kind: alertEvents.kind, summary: alertEvents.summary, rule: alertRules.name })
    .from(alertDeliveries)
    .innerJoin(alertEvents, eq(alertEvents.id, alertDeliveries.eventId))
    .leftJoin(alertRules, and(eq(alertRules.id, alertEvents.ruleId), eq(alertRules.orgId, orgId)))
    .where(and(eq(alertDeliveries.orgId, orgId), cursor ? lt(alertDeliveries.id, cursor) : undefined, status && eq(alertDeliveries.status, status)))
    .orderBy(desc(alertDeliveries.id)).limit(limit + 1)
  const items = rows.slice(0, limit).map(({ delivery, ...event }) => toDelivery(delivery, event))
  return { items, nextCursor: rows.length > limit ? items.at(-1)?.id ?? null : null }
}

function toDelivery(row: typeof alertDeliveries.$inferSelect, event: Pick<AlertDelivery, 'kind' | 'summary' | 'rule'>): AlertDelivery {
  const { id, eventId, channel, recipient, status, attempts, responseStatus, error, latencyMs, nextAttemptAt, deliveredAt, createdAt } = row
  return {
    id, eventId, ...event, channel, recipient, status, attempts, responseStatus, error, latencyMs,
    nextAttemptAt: status === 'pending' ? nextAttemptAt.toISOString() : null,
    deliveredAt: deliveredAt?.toISOString() ?? null,
    createdAt: createdAt.toISOString()
  }
}
