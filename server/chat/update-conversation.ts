import { and, eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations } from '../../db/schema'
import { getProject } from '../projects/get-project'
import type { Scope } from '../projects/scope'
import { requireVersion } from '../versions/require-version'
import type { Conversation, UpdateConversation } from '../../shared/conversations'
import { getConversation } from './get-conversation'
import { conversationNotFound, conversationSettings, openConversations } from './select-conversations'

/**
 * Changes what `input` names. Archiving twice keeps the first time.
 * @param version of its prompt and parameters as the author saw them; undefined: whatever they are now
 * @throws {LoomError} `not_found` when the scope has no such conversation, or no such project to move it to, `conflict` when prompt or parameters are others by now
 */
export async function updateConversation(orm: Orm, scope: Scope, conversationId: string, input: UpdateConversation, version?: string): Promise<Conversation> {
  const { archived, ...fields } = input
  const archivedAt = archived === undefined ? undefined : archived ? sql`coalesce(${conversations.archivedAt}, now())` : null
  return orm.transaction(async (transaction) => {
    if (fields.projectId) await getProject(transaction, scope, fields.projectId)
    const isThisConversation = and(openConversations(scope), eq(conversations.id, conversationId))
    const [before] = await transaction.select({ systemPrompt: conversations.systemPrompt, parameters: conversations.parameters }).from(conversations).where(isThisConversation).for('no key update')
    if (!before) throw conversationNotFound()
    await requireVersion(transaction, { orgId: scope.orgId, target: `conversation:${conversationId}`, actions: [], fields: conversationSettings(before), expected: version })
    await transaction.update(conversations).set({ ...fields, archivedAt }).where(isThisConversation)
    return getConversation(transaction, scope, conversationId)
  })
}
