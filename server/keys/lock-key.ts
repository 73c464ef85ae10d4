import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { apiKeys } from '../../db/schema'
import { roleReaches } from '../../shared/roles'
import { LoomError } from '../errors'
import { keepAsMember } from '../identity/keep-members'
import type { Principal } from '../identity/principal'
import { visibleKeys } from './key-visibility'

/**
 * A key about to be changed, locked until the transaction ends: call it before anything else is. Members change the keys they made, admins all, the org's service keys too.
 * @throws {LoomError} `not_found`, `forbidden`, or `conflict` when it is revoked already
 */
export async function lockKey(transaction: Orm, principal: Principal, keyId: string): Promise<typeof apiKeys.$inferSelect> {
  await keepAsMember(transaction, principal)
  const [key] = await transaction.select().from(apiKeys).where(and(eq(apiKeys.id, keyId), visibleKeys(principal))).for('update')
  if (!key) throw new LoomError('not_found', 'There is nothing with this id.')
  if ((key.isService || key.createdBy !== principal.userId) && !roleReaches(principal.role, 'admin')) throw new LoomError('forbidden', 'Only admins change service keys, and keys that others made.')
  if (key.status === 'revoked') throw new LoomError('conflict', 'This key is revoked. Create a new one.')
  return key
}
