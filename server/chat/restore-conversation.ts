import { and, eq, isNotNull } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations } from '../../db/schema'
import { conversationsInScope } from '../projects/scope'
import type { Scope } from '../projects/scope'
import type { Conversation } from '../../shared/conversations'
import { getConversation } from './get-conversation'
import { conversationNotFound } from './select-conversations'

/** @throws {LoomError} `not_found` when the scope has no such deleted conversation */
export async function restoreConversation(orm: Orm, scope: Scope, conversationId: string): Promise<Conversation> {
  const restored = await orm.update(conversations)
    .set({ deletedAt: null })
    .where(and(conversationsInScope(scope), eq(conversations.id, conversationId), isNotNull(conversations.deletedAt)))
    .returning({ id: conversations.id })
  if (restored.length === 0) throw conversationNotFound()
  return getConversation(orm, scope, conversationId)
}
