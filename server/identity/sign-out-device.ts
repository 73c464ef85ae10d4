import { and, eq, ne } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { authSessions } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import { forgetResetLinks } from './reset-links'

/**
 * Ends one of the user's own sessions; its next request is refused.
 * @throws {LoomError} `not_found` for one that is not theirs, or has ended
 */
export async function signOutDevice(orm: Orm, author: Author, sessionId: string): Promise<void> {
  const { userId } = author.principal
  await orm.transaction(async (transaction) => {
    const [ended] = await transaction.delete(authSessions).where(and(eq(authSessions.id, sessionId), eq(authSessions.userId, userId))).returning({ ip: authSessions.ipAddress, userAgent: authSessions.userAgent })
    if (!ended) throw new LoomError('not_found', 'There is nothing with this id.')
    await recordChange(transaction, author, { action: 'session.revoke', target: `user:${userId}`, before: ended })
  })
}

/** Ends all of the user's sessions but the present one, and the link to set a new password. */
export async function signOutElsewhere(orm: Orm, author: Author, current: { id: string }): Promise<void> {
  const { userId } = author.principal
  await orm.transaction(async (transaction) => {
    const ended = await transaction.delete(authSessions).where(and(eq(authSessions.userId, userId), ne(authSessions.id, current.id))).returning({ id: authSessions.id })
    await forgetResetLinks(transaction, userId)
    if (ended.length > 0) await recordChange(transaction, author, { action: 'session.revoke_others', target: `user:${userId}`, before: { sessions: ended.length } })
  })
}
