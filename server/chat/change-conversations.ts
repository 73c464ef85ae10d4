import { and, asc, inArray, isNotNull, sql } from 'drizzle-orm'
import type { Database, Orm } from '../../db/client'
import { conversations } from '../../db/schema'
import type { Author } from '../audit/record'
import { getProject } from '../projects/get-project'
import { conversationsInScope } from '../projects/scope'
import type { Scope } from '../projects/scope'
import type { ChangeConversations } from '../../shared/conversations'
import { conversationNotFound, openConversations } from './select-conversations'
import { stopAnswer } from './stop-answer'
import { recordMove } from './update-conversation'

/**
 * Archives, moves, deletes or restores many conversations: all of them, or none when one is not in scope. Answers being written in
 * those that are deleted are stopped first; each move is in the audit log.
 * @throws {LoomError} `not_found` when the scope lacks one of them, or the project to move them to
 */
export async function changeConversations(db: Database, author: Author, change: ChangeConversations): Promise<{ changed: number }> {
  const { principal } = author
  const ids = [...new Set(change.ids)]
  if (change.action === 'delete') for (const id of await findRunning(db.orm, principal, ids)) await stopAnswer(db, principal, id)
  return db.orm.transaction(async (tx) => {
    const reachable = change.action === 'restore' ? and(conversationsInScope(principal), isNotNull(conversations.deletedAt)) : openConversations(principal)
    const areThese = and(reachable, inArray(conversations.id, ids))
    if (change.action === 'move') {
      await getProject(tx, principal, change.projectId)
      const before = await tx.select({ id: conversations.id, projectId: conversations.projectId }).from(conversations).where(areThese).orderBy(asc(conversations.id)).for('no key update')
      for (const conversation of before) await recordMove(tx, author, conversation, change.projectId)
    }
    const changed = await tx.update(conversations).set(fieldsOf(change)).where(areThese).returning({ id: conversations.id })
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
