import { and, desc, eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { messageParts, messages } from '../../db/schema'
import { containsPattern } from '../projects/list-cursor'
import type { Scope } from '../projects/scope'
import type { ThreadSearchQuery } from '../../shared/conversations'
import { getConversation } from './get-conversation'
import { BRANCH_MESSAGES_MAX, branchIds, shownMessageId } from './select-messages'

const HITS_MAX = 500

/**
 * The messages of a conversation that hold the words as they stand, in any case: those on other branches, then those on the shown one, each oldest first;
 * the last 500 of them.
 * @throws {LoomError} `not_found` when the scope has no such conversation
 */
export async function searchThread(orm: Orm, scope: Scope, conversationId: string, { q }: ThreadSearchQuery): Promise<{ messageIds: string[] }> {
  await getConversation(orm, scope, conversationId)
  // Selected, not joined: so they are found by their hashes, however few the database takes them for.
  const isShown = sql<boolean>`${messages.id} in (select unnest(${branchIds(scope.orgId, shownMessageId(scope.orgId, conversationId), BRANCH_MESSAGES_MAX)}))`.as('is_shown')
  const rows = await orm.selectDistinct({ id: messages.id, isShown }).from(messages)
    .innerJoin(messageParts, eq(messageParts.messageId, messages.id))
    .where(and(
      eq(messages.orgId, scope.orgId),
      eq(messageParts.orgId, scope.orgId),
      eq(messages.conversationId, conversationId),
      eq(messageParts.type, 'text'),
      sql`${messageParts.content} ->> 'text' ilike ${containsPattern(q)}`
    ))
    .orderBy(desc(isShown), desc(messages.id))
    .limit(HITS_MAX)
  return { messageIds: rows.map(({ id }) => id).toReversed() }
}
