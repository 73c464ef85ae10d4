import { and, eq, inArray } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { alertRules, alertWebhooks } from '../../db/schema'
import { LoomError } from '../errors'
import type { AlertRuleRow } from './raise-alert'

/**
 * A rule about to be changed, locked until the transaction ends.
 * @throws {LoomError} `not_found`
 */
export async function lockRule(transaction: Orm, orgId: string, ruleId: string): Promise<AlertRuleRow> {
  const [row] = await transaction.select().from(alertRules).where(and(eq(alertRules.id, ruleId), eq(alertRules.orgId, orgId))).for('update')
  if (!row) throw new LoomError('not_found', 'There is nothing with this id.')
  return row
}

/** @throws {LoomError} `not_found` for a webhook the org does not have */
export async function requireWebhooks(transaction: Orm, orgId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const known = await transaction.select({ id: alertWebhooks.id }).from(alertWebhooks).where(and(eq(alertWebhooks.orgId, orgId), inArray(alertWebhooks.id, [...ids])))
  if (known.length < new Set(ids).size) throw new LoomError('not_found', 'There is no webhook with this id.', { param: 'webhookIds' })
}
