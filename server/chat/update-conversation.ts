import { and, eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations } from '../../db/schema'
import { getProject } from '../projects/get-project'
import type { Scope } from '../projects/scope'
import type { Conversation, UpdateConversation } from '../../shared/conversations'
import { getConversation } from './get-conversation'
import { conversationNotFound, openConversations } from './select-conversations'

/**
 * Changes what `input` names. Archiving twice keeps the first time.
 * @throws {LoomError} `not_found` when the scope has no such conversation, or no such project to move it to
 */
export async function updateConversation(orm: Orm, scope: Scope, conversationId: string, input: UpdateConversation): Promise<Conversation> {
  const { archived, ...fields } = input
  if (fields.projectId) await getProject(orm, scope, fields.projectId)
  const archivedAt = archived === undefined ? undefined : archived ? sql`coalesce(${conversations.archivedAt}, now())` : null
  const changed = await orm.update(conversations)
    .set({ ...fields, archivedAt })
    .where(and(openConversations(scope), eq(conversations.id, conversationId)))
    .returning({ id: conversations.id })
  if (changed.length === 0) throw conversationNotFound()
  return getConversation(orm, scope, conversationId)
}
