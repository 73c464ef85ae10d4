import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { alertRules } from '../../db/schema'
import type { AlertRule, UpdateAlertRule } from '../../shared/alerts'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import { requireVersion } from '../versions/require-version'
import { ruleFields, toRule } from './list-alerts'
import { lockRule, requireWebhooks } from './lock-rule'

/**
 * Changes what `change` names.
 * @param version of the rule as the author saw it; undefined: whatever it is now
 * @throws {LoomError} `not_found`, `invalid_request` for a condition of another kind, `conflict` when the rule is another by now
 */
export async function updateRule(orm: Orm, author: Author, ruleId: string, { condition, ...change }: UpdateAlertRule, version?: string): Promise<AlertRule> {
  const { orgId } = author.principal
  return orm.transaction(async (transaction) => {
    const row = await lockRule(transaction, orgId, ruleId)
    const before = ruleFields(row)
    await requireVersion(transaction, { orgId, target: `alert_rule:${ruleId}`, actions: ['alert_rule.update'], fields: before, expected: version })
    if (condition && condition.kind !== row.kind) throw new LoomError('invalid_request', `This rule is about ${row.kind}; make another one for ${condition.kind}.`, { param: 'condition.kind' })
    if (change.webhookIds) await requireWebhooks(transaction, orgId, change.webhookIds)
    const [updated] = await transaction.update(alertRules).set({ ...change, ...(condition && { config: condition }), updatedAt: new Date() }).where(eq(alertRules.id, row.id)).returning()
    if (!updated) throw new Error('The rule just written was not returned')
    await recordChange(transaction, author, { action: 'alert_rule.update', target: `alert_rule:${ruleId}`, before, after: ruleFields(updated) })
    return toRule(updated)
  })
}
