import { and, eq } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Orm } from '../../db/client'
import { conversations } from '../../db/schema'
import type { Scope } from '../projects/scope'
import type { Conversation } from '../../shared/conversations'
import { copyMessages } from './copy-messages'
import { getConversation } from './get-conversation'

/**
 * A conversation of the caller's with all messages of another one, but for an answer that is being written there. What they cost was
 * paid once, so the totals begin anew.
 * @throws {LoomError} `not_found` when the scope has no such conversation
 */
export async function duplicateConversation(orm: Orm, caller: Scope & { userId: string }, conversationId: string): Promise<Conversation> {
  const { title, projectId, model, systemPrompt, parameters, tools } = await getConversation(orm, caller, conversationId)
  const id = uuidv7()
  await orm.transaction(async (tx) => {
    await tx.insert(conversations).values({
      id, orgId: caller.orgId, projectId, userId: caller.userId, title: `${title || 'Untitled'} (copy)`.slice(-200), model, systemPrompt, parameters, tools
    })
    const [shown] = await tx.select({ id: conversations.shownMessageId }).from(conversations).where(and(eq(conversations.orgId, caller.orgId), eq(conversations.id, conversationId)))
    await copyMessages(tx, caller.orgId, { from: conversationId, to: id, shownMessageId: shown?.id ?? null })
  })
  return getConversation(orm, caller, id)
}
