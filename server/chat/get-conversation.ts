import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations } from '../../db/schema'
import type { Scope } from '../projects/scope'
import type { Conversation } from '../../shared/conversations'
import { conversationNotFound, openConversations, selectConversations, toConversation } from './select-conversations'

/** @throws {LoomError} `not_found` when the scope has no such conversation, or it was deleted */
export async function getConversation(orm: Orm, scope: Scope, conversationId: string): Promise<Conversation> {
  const [row] = await selectConversations(orm).where(and(openConversations(scope), eq(conversations.id, conversationId)))
  if (!row) throw conversationNotFound()
  return toConversation(row)
}
