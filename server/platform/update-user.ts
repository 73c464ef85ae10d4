import { and, eq, isNull, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { apiKeys, authSessions, users } from '../../db/schema'
import type { UpdatedUser, UpdateUser } from '../../shared/platform'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import { forgetResetLinks } from '../identity/reset-links'
import { notifyKeyChange } from '../keys/notify-key-change'
import { requireVersion } from '../versions/require-version'
import { versionOf } from '../versions/version-of'
import { userFields } from './list-users'
import { requireStillAdmin } from './require-still-admin'

/**
 * Deactivates a user or lets them in again, makes them platform admin or no longer. Deactivation ends their sessions at once, and
 * their keys (but for service keys) are refused within a second, until it is taken back.
 * @param version of the user as the author saw them; undefined: whatever they are now
 * @throws {LoomError} `not_found`, `forbidden` when the author is no platform admin any more, or `conflict` for the author themselves, for the last platform admin, and when the user is another by now
 */
export async function updateUser(orm: Orm, author: Author, userId: string, change: UpdateUser, version?: string): Promise<UpdatedUser> {
  if (userId === author.principal.userId) throw new LoomError('conflict', 'Nobody locks themselves out: another platform admin has to do this.')
  return orm.transaction(async (transaction) => {
    // One change at a time, so that two cannot each take away the other of the last two admins.
    await transaction.execute(sql`select pg_advisory_xact_lock(hashtextextended('loom:platform-admins', 0))`)
    await requireStillAdmin(transaction, author.principal)
    const [user] = await transaction.select().from(users).where(eq(users.id, userId)).for('update')
    if (!user) throw new LoomError('not_found', 'There is no user with this id.')
    const before = userFields(user)
    const after = { active: change.active ?? before.active, role: change.role ?? before.role }
    if (before.active === after.active && before.role === after.role) return { version: versionOf(before) }
    await requireVersion(transaction, { orgId: null, target: `user:${userId}`, actions: ['user.update'], fields: before, expected: version })
    const deactivatedAt = after.active ? null : user.deactivatedAt ?? new Date()
    await transaction.update(users).set({ role: after.role, deactivatedAt }).where(eq(users.id, userId))
    await requireAnAdmin(transaction)
    if (!after.active) await transaction.delete(authSessions).where(eq(authSessions.userId, userId))
    if (!after.active) await forgetResetLinks(transaction, userId)
    await recordChange(transaction, author, { action: 'user.update', target: `user:${userId}`, before, after })
    const keys = await transaction.select({ keyHash: apiKeys.keyHash, previousKeyHash: apiKeys.previousKeyHash }).from(apiKeys).where(and(eq(apiKeys.createdBy, userId), eq(apiKeys.status, 'active')))
    for (const key of keys) await notifyKeyChange(transaction, key)
    return { version: versionOf(after) }
  })
}

async function requireAnAdmin(transaction: Orm): Promise<void> {
  const [admin] = await transaction.select({ id: users.id }).from(users).where(and(eq(users.role, 'admin'), isNull(users.deactivatedAt))).limit(1)
  if (!admin) throw new LoomError('conflict', 'The installation needs a platform admin. Make someone else one first.')
}
