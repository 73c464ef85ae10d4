import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { authSessions } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'

/** Ends all of somebody's sessions, on another's behalf: their next request is refused, wherever they are logged in. */
export async function endSessions(transaction: Orm, author: Author, userId: string): Promise<void> {
  const ended = await transaction.delete(authSessions).where(eq(authSessions.userId, userId)).returning({ id: authSessions.id })
  if (ended.length > 0) await recordChange(transaction, author, { action: 'session.revoke_all', target: `user:${userId}`, before: { sessions: ended.length } })
}
