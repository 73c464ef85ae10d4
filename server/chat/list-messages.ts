import { and, asc, eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations, messages } from '../../db/schema'
import type { Scope } from '../projects/scope'
import type { MessagePage, MessageQuery } from '../../shared/messages'
import { conversationNotFound, openConversations } from './select-conversations'
import { branchIds, feedbackOf, shownMessageId, siblingIds, withParts } from './select-messages'

/**
 * One page of the shown branch, newest page first, oldest message first; two queries however long the thread is, and one for an answer that is running.
 * @throws {LoomError} `not_found` when the scope has no such conversation
 */
export async function listMessages(orm: Orm, scope: Scope, conversationId: string, { before, limit }: MessageQuery): Promise<MessagePage> {
  const start = before === undefined
    ? shownMessageId(scope.orgId, conversationId)
    : sql`select parent_id from ${messages} where org_id = ${scope.orgId} and conversation_id = ${conversationId} and id = ${before}`
  const rows = await orm
    .select({ conversationId: conversations.id, message: messages, siblingIds, feedback: feedbackOf(scope.userId) })
    .from(conversations)
    .leftJoin(messages, and(eq(messages.orgId, scope.orgId), sql`${messages.id} = any(${branchIds(scope.orgId, start, limit)})`))
    .where(and(openConversations(scope), eq(conversations.id, conversationId)))
    .orderBy(asc(messages.id))
  if (rows.length === 0) throw conversationNotFound()
  const found = rows.flatMap(row => row.message ? { ...row.message, siblingIds: row.siblingIds, feedback: row.feedback } : [])
  const first = found[0]
  return {
    messages: await withParts(orm, scope.orgId, found),
    nextCursor: first?.parentId ? first.id : null
  }
}
