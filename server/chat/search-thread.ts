import { and, desc, eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { messageParts } from '../../db/schema'
import { containsPattern } from '../projects/list-cursor'
import type { Scope } from '../projects/scope'
import type { ThreadSearchQuery } from '../../shared/conversations'
import { getConversation } from './get-conversation'
import { branchIds, shownMessageId } from './select-messages'

const HITS_MAX = 500
/** More than any thread has. */
const THREAD_MAX = 1_000_000

/**
 * The messages of the shown branch that hold the words as they stand, in any case, oldest first: the newest 500 of them.
 * @throws {LoomError} `not_found` when the scope has no such conversation
 */
export async function searchThread(orm: Orm, scope: Scope, conversationId: string, { q }: ThreadSearchQuery): Promise<{ messageIds: string[] }> {
  await getConversation(orm, scope, conversationId)
  const rows = await orm.selectDistinct({ id: messageParts.messageId }).from(messageParts)
    .where(and(
      eq(messageParts.orgId, scope.orgId),
      eq(messageParts.type, 'text'),
      sql`${messageParts.messageId} = any(${branchIds(scope.orgId, shownMessageId(scope.orgId, conversationId), THREAD_MAX)})`,
      sql`${messageParts.content} ->> 'text' ilike ${containsPattern(q)}`
    ))
    .orderBy(desc(messageParts.messageId))
    .limit(HITS_MAX)
  return { messageIds: rows.map(({ id }) => id).toReversed() }
}
