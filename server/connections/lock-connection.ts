import { and, eq, isNull, or } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { providerConnections } from '../../db/schema'
import { LoomError } from '../errors'
import type { Principal } from '../identity/principal'
import { mayEdit } from './to-connection'

/**
 * A connection about to be changed, locked until the transaction ends.
 * @throws {LoomError} `not_found`, or `forbidden` for one of the platform's that the principal only uses
 */
export async function lockConnection(transaction: Orm, principal: Principal, connectionId: string): Promise<typeof providerConnections.$inferSelect> {
  const [row] = await transaction
    .select()
    .from(providerConnections)
    .where(and(eq(providerConnections.id, connectionId), or(eq(providerConnections.orgId, principal.orgId), isNull(providerConnections.orgId))))
    .for('update')
  if (!row) throw new LoomError('not_found', 'There is nothing with this id.')
  if (!mayEdit(principal, row)) throw new LoomError('forbidden', 'This connection belongs to the platform; only platform admins change it.')
  return row
}
