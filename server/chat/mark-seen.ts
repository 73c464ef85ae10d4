import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversationReads } from '../../db/schema'
import { exactTimestamp } from '../projects/list-cursor'
import type { Scope } from '../projects/scope'
import type { Runtime } from '../runtime'
import type { MarkSeen } from '../../shared/conversations'
import { getConversation } from './get-conversation'

/**
 * Keeps that the caller has seen a conversation as it is now, or as it was at `upTo`, and tells their other pages.
 * @throws {LoomError} `not_found` when the scope has no such conversation
 */
export async function markSeen({ db, conversationFeed }: Pick<Runtime, 'db' | 'conversationFeed'>, scope: Scope, conversationId: string, { upTo, page }: MarkSeen): Promise<void> {
  const { lastActiveAt } = await getConversation(db.orm, scope, conversationId)
  const [read] = await db.orm.insert(conversationReads)
    .values({ orgId: scope.orgId, userId: scope.userId, conversationId, seenAt: sql`least(${upTo ?? lastActiveAt}::timestamptz, ${lastActiveAt}::timestamptz)` })
    .onConflictDoUpdate({ target: [conversationReads.userId, conversationReads.conversationId], set: { seenAt: sql`greatest(${conversationReads.seenAt}, excluded.seen_at)` } })
    .returning({ seenAt: exactTimestamp(conversationReads.seenAt) })
  if (read) await conversationFeed.tellSeen(scope, conversationId, read.seenAt, page)
}

/** Up to when the caller has seen each of those conversations; those they never opened are left out. */
export async function readSeen(orm: Orm, { orgId, userId }: Scope, conversationIds: string[]): Promise<Record<string, string>> {
  const rows = await orm.select({ id: conversationReads.conversationId, seenAt: exactTimestamp(conversationReads.seenAt) }).from(conversationReads)
    .where(and(eq(conversationReads.orgId, orgId), eq(conversationReads.userId, userId), inArray(conversationReads.conversationId, conversationIds)))
  return Object.fromEntries(rows.map(({ id, seenAt }) => [id, seenAt]))
}
