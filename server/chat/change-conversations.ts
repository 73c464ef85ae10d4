import { and, inArray, isNotNull, sql } from 'drizzle-orm'
import type { Database, Orm } from '../../db/client'
import { conversations } from '../../db/schema'
import { getProject } from '../projects/get-project'
import { conversationsInScope } from '../projects/scope'
import type { Scope } from '../projects/scope'
import type { ChangeConversations } from '../../shared/conversations'
import { conversationNotFound, openConversations } from './select-conversations'
import { stopAnswer } from './stop-answer'

/**
 * Archives, moves, deletes or restores many conversations: all of them, or none when one is not in scope. Answers being written in
 * those that are deleted are stopped first.
 * @throws {LoomError} `not_found` when the scope lacks one of them, or the project to move them to
 */
export async function changeConversations(db: Database, scope: Scope, change: ChangeConversations): Promise<{ changed: number }> {
  const ids = [...new Set(change.ids)]
  if (change.action === 'delete') for (const id of await findRunning(db.orm, scope, ids)) await stopAnswer(db, scope, id)
  return db.orm.transaction(async (tx) => {
    if (change.action === 'move') await getProject(tx, scope, change.projectId)
    const reachable = change.action === 'restore' ? and(conversationsInScope(scope), isNotNull(conversations.deletedAt)) : openConversations(scope)
    const changed = await tx.update(conversations).set(fieldsOf(change)).where(and(reachable, inArray(conversations.id, ids))).returning({ id: conversations.id })
    if (changed.length !== ids.length) throw conversationNotFound()
    return { changed: changed.length }
  })
}

function fieldsOf(change: ChangeConversations) {
  switch (change.action) {
    case 'archive': return { archivedAt: sql`coalesce(${conversations.archivedAt}, now())` }
    case 'unarchive': return { archivedAt: null }
    case 'delete': return { deletedAt: sql`now()` }
    case 'restore': return { deletedAt: null }
    case 'move': return { projectId: change.projectId }
  }
}

async function findRunning(orm: Orm, scope: Scope, ids: string[]): Promise<string[]> {
  const rows = await orm.select({ id: conversations.id }).from(conversations)
    .where(and(openConversations(scope), inArray(conversations.id, ids), sql`exists (select 1 from messages where messages.conversation_id = ${conversations.id} and messages.status in ('pending', 'streaming'))`))
  return rows.map(({ id }) => id)
}
