import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { alertRules } from '../../db/schema'
import type { AlertRule, CreateAlertRule } from '../../shared/alerts'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { requireRoom } from '../audit/require-room'
import { ruleFields, toRule } from './list-alerts'
import { requireWebhooks } from './lock-rule'

const MAX_RULES = 100

/** @throws {LoomError} `not_found` for a webhook the org does not have, `conflict` when it has as many rules as it may */
export async function createRule(orm: Orm, author: Author, { condition, ...input }: CreateAlertRule): Promise<AlertRule> {
  const { orgId } = author.principal
  return orm.transaction(async (transaction) => {
    await requireWebhooks(transaction, orgId, input.webhookIds)
    const [row] = await transaction.insert(alertRules).values({ ...input, orgId, kind: condition.kind, config: condition }).returning()
    if (!row) throw new Error('The rule just written was not returned')
    await recordChange(transaction, author, { action: 'alert_rule.create', target: `alert_rule:${row.id}`, after: ruleFields(row) })
    await requireRoom(transaction, alertRules, eq(alertRules.orgId, orgId), MAX_RULES, 'alert rules')
    return toRule(row)
  })
}
