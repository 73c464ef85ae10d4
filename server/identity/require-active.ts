import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgMembers, users } from '../../db/schema'
import { LoomError } from '../errors'
import { findMemberships } from './find-memberships'

/**
 * Before somebody who has proved who they are is let in.
 * @throws {LoomError} `forbidden` when they are deactivated, or every org they are in is; platform admins get in to mend that
 */
export async function requireActive(orm: Orm, userId: string): Promise<void> {
  const [user] = await orm.select({ role: users.role, deactivatedAt: users.deactivatedAt }).from(users).where(eq(users.id, userId))
  if (user?.deactivatedAt) throw new LoomError('forbidden', 'This account is deactivated. Ask an administrator of this installation.')
  if (user?.role === 'admin') return
  const [membership] = await orm.select({ id: orgMembers.id }).from(orgMembers).where(eq(orgMembers.userId, userId)).limit(1)
  if (membership && (await findMemberships(orm, userId)).length === 0) {
    throw new LoomError('forbidden', 'Your organisation is deactivated or deleted. Ask an administrator of this installation.')
  }
}
