import { and, asc, eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { messages } from '../../db/schema'
import type { Scope } from '../projects/scope'
import type { MessagePage, MessageQuery } from '../../shared/messages'
import { messageNotFound } from './find-message'
import { getConversation } from './get-conversation'
import { branchIds, feedbackOf, messageColumns, newestEndId, shownMessageId, toMessage } from './select-messages'

/**
 * A conversation and one page of its shown branch, or of the newest one through a message, newest page first, oldest message first. Two queries,
 * however long the thread is and whether or not an answer is running.
 * @throws {LoomError} `not_found` when the scope has no such conversation, or that no message `through`
 */
export async function listMessages(orm: Orm, scope: Scope, conversationId: string, { before, through, limit }: MessageQuery): Promise<MessagePage> {
  const conversation = await getConversation(orm, scope, conversationId)
  const start = before !== undefined
    ? sql`select parent_id from ${messages} where org_id = ${scope.orgId} and conversation_id = ${conversationId} and id = ${before}`
    : through !== undefined ? newestEndId(scope.orgId, conversationId, through) : shownMessageId(scope.orgId, conversationId)
  const rows = await orm
    .select({ ...messageColumns, feedback: feedbackOf(scope.userId) })
    .from(messages)
    .where(and(eq(messages.orgId, scope.orgId), eq(messages.conversationId, conversationId), sql`${messages.id} = any(${branchIds(scope.orgId, start, limit)})`))
    .orderBy(asc(messages.id))
  const first = rows[0]
  if (through !== undefined && before === undefined && !first) throw messageNotFound()
  return { conversation, messages: rows.map(toMessage), nextCursor: first?.parentId ? first.id : null }
}
