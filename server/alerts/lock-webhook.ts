import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { alertWebhooks } from '../../db/schema'
import { LoomError } from '../errors'
import type { Principal } from '../identity/principal'

/**
 * A webhook about to be changed, locked until the transaction ends.
 * @throws {LoomError} `not_found`
 */
export async function lockWebhook(transaction: Orm, { orgId }: Principal, webhookId: string): Promise<typeof alertWebhooks.$inferSelect> {
  const [row] = await transaction.select().from(alertWebhooks).where(and(eq(alertWebhooks.id, webhookId), eq(alertWebhooks.orgId, orgId))).for('update')
  if (!row) throw new LoomError('not_found', 'There is nothing with this id.')
  return row
}
