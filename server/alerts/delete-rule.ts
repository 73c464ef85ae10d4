import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { alertRules } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { ruleFields } from './list-alerts'
import { lockRule } from './lock-rule'

/** What it told of so far stays in the log. @throws {LoomError} `not_found` */
export async function deleteRule(orm: Orm, author: Author, ruleId: string): Promise<void> {
  await orm.transaction(async (transaction) => {
    const row = await lockRule(transaction, author.principal.orgId, ruleId)
    await transaction.delete(alertRules).where(eq(alertRules.id, row.id))
    await recordChange(transaction, author, { action: 'alert_rule.delete', target: `alert_rule:${ruleId}`, before: ruleFields(row) })
  })
}
