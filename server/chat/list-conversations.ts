import { and, desc, eq, ilike, isNotNull, isNull, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations, projects } from '../../db/schema'
import type { ConversationPage, ConversationQuery } from '../../shared/conversations'
import { projectNotFound } from '../projects/get-project'
import { containsPattern, decodeCursor, encodeCursor } from '../projects/list-cursor'
import { projectsInScope } from '../projects/scope'
import type { Scope } from '../projects/scope'
import { readSeen } from './mark-seen'
import { openConversations, selectConversations, toConversation } from './select-conversations'

/**
 * One page of a project's conversations: pinned ones first, then the most recently active.
 * @throws {LoomError} `not_found` when the scope has no such project, `invalid_request` for a cursor that is not ours
 */
export async function listConversations(orm: Orm, scope: Scope, projectId: string, query: ConversationQuery): Promise<ConversationPage> {
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor)
  const [project] = await orm.select({ id: projects.id }).from(projects).where(and(projectsInScope(scope), eq(projects.id, projectId)))
  if (!project) throw projectNotFound()
  const rows = await selectConversations(orm)
    .where(and(
      openConversations(scope),
      eq(conversations.projectId, projectId),
      query.archived ? isNotNull(conversations.archivedAt) : isNull(conversations.archivedAt),
      query.search ? ilike(conversations.title, containsPattern(query.search)) : undefined,
      after && sql`(${conversations.pinned}, ${conversations.lastActiveAt}, ${conversations.id}) < (${after.pinned}::boolean, ${after.lastActiveAt}::timestamptz, ${after.id}::uuid)`
    ))
    .orderBy(desc(conversations.pinned), desc(conversations.lastActiveAt), desc(conversations.id))
    .limit(query.limit + 1)
  const page = rows.slice(0, query.limit).map(toConversation)
  const last = page.at(-1)
  const seen = await readSeen(orm, scope, page.map(({ id }) => id))
  return { conversations: page, seen, nextCursor: last && rows.length > query.limit ? encodeCursor(last) : null }
}
