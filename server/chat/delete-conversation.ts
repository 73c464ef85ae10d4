import { and, eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations } from '../../db/schema'
import type { Scope } from '../projects/scope'
import { conversationNotFound, openConversations } from './select-conversations'

/**
 * Hides the conversation; `restoreConversation` brings it back.
 * @throws {LoomError} `not_found` when the scope has no such conversation, or it is deleted already
 */
export async function deleteConversation(orm: Orm, scope: Scope, conversationId: string): Promise<void> {
  const deleted = await orm.update(conversations)
    .set({ deletedAt: sql`now()` })
    .where(and(openConversations(scope), eq(conversations.id, conversationId)))
    .returning({ id: conversations.id })
  if (deleted.length === 0) throw conversationNotFound()
}
