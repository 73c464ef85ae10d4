import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations, messages } from '../../db/schema'
import { LoomError } from '../errors'
import type { Scope } from '../projects/scope'
import { openConversations } from './select-conversations'

/**
 * What a message is and where it stands.
 * @throws {LoomError} `not_found` when the scope has no such conversation, or that no such message
 */
export async function findMessage(orm: Orm, scope: Scope, conversationId: string, messageId: string) {
  const [message] = await orm.select({ role: messages.role, parentId: messages.parentId, model: messages.model, projectId: conversations.projectId })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(and(openConversations(scope), eq(messages.orgId, scope.orgId), eq(conversations.id, conversationId), eq(messages.id, messageId)))
  if (!message) throw messageNotFound()
  return message
}

export const messageNotFound = () => new LoomError('not_found', 'There is no such message in this conversation.')
