import { and, eq, isNull } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { users } from '../../db/schema'
import { LoomError } from '../errors'
import type { Principal } from '../identity/principal'

/**
 * Of two that demote each other at once, one has ceased to be an admin by now: to be asked under a lock.
 * @throws {LoomError} `forbidden` when the principal is no platform admin any more
 */
export async function requireStillAdmin(transaction: Orm, { userId }: Pick<Principal, 'userId'>): Promise<void> {
  const found = await transaction.select({ id: users.id }).from(users).where(and(eq(users.id, userId), eq(users.role, 'admin'), isNull(users.deactivatedAt)))
  if (found.length === 0) throw new LoomError('forbidden', 'Only administrators of this installation may do this, and you have just ceased to be one.')
}
