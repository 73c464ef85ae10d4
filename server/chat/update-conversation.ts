import { and, eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { getProject } from '../projects/get-project'
import { requireVersion } from '../versions/require-version'
import type { Conversation, UpdateConversation } from '../../shared/conversations'
import { getConversation } from './get-conversation'
import { conversationNotFound, conversationSettings, openConversations } from './select-conversations'

/**
 * Changes what `input` names. Archiving twice keeps the first time. A move is in the audit log: other people may read it then.
 * @param version of its prompt and parameters as the author saw them; undefined: whatever they are now
 * @throws {LoomError} `not_found` when the scope has no such conversation, or no such project to move it to, `conflict` when prompt or parameters are others by now
 */
export async function updateConversation(orm: Orm, author: Author, conversationId: string, input: UpdateConversation, version?: string): Promise<Conversation> {
  const { principal } = author
  const { archived, ...fields } = input
  const archivedAt = archived === undefined ? undefined : archived ? sql`coalesce(${conversations.archivedAt}, now())` : null
  return orm.transaction(async (transaction) => {
    if (fields.projectId) await getProject(transaction, principal, fields.projectId)
    const isThisConversation = and(openConversations(principal), eq(conversations.id, conversationId))
    const [before] = await transaction.select({ projectId: conversations.projectId, systemPrompt: conversations.systemPrompt, parameters: conversations.parameters }).from(conversations).where(isThisConversation).for('no key update')
    if (!before) throw conversationNotFound()
    await requireVersion(transaction, { orgId: principal.orgId, target: `conversation:${conversationId}`, actions: [], fields: conversationSettings(before), expected: version })
    await transaction.update(conversations).set({ ...fields, archivedAt, updatedAt: new Date() }).where(isThisConversation)
    if (fields.projectId) await recordMove(transaction, author, { id: conversationId, projectId: before.projectId }, fields.projectId)
    return getConversation(transaction, principal, conversationId)
  })
}

/** That a conversation was moved, unless it was there already. */
export async function recordMove(transaction: Orm, author: Author, { id, projectId }: { id: string, projectId: string }, to: string): Promise<void> {
  if (projectId !== to) await recordChange(transaction, author, { action: 'conversation.move', target: `conversation:${id}`, before: { projectId }, after: { projectId: to } })
}
