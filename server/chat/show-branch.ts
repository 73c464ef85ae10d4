import { and, eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations, messages } from '../../db/schema'
import { LoomError } from '../errors'
import type { Scope } from '../projects/scope'
import { findMessage } from './find-message'
import { conversationNotFound, openConversations } from './select-conversations'
import { newestEndId } from './select-messages'

/**
 * Shows the branch through a message from now on, to everybody: the newest one, where it parts again further down.
 * @throws {LoomError} `not_found`; `conflict` while an answer is running, which is on the branch that is shown
 */
export async function showBranch(orm: Orm, scope: Scope, conversationId: string, messageId: string): Promise<void> {
  await orm.transaction(async (tx) => {
    // The row lock comes first: an answer begins under it too.
    const [conversation] = await tx.select({ id: conversations.id }).from(conversations).where(and(openConversations(scope), eq(conversations.id, conversationId))).for('update')
    if (!conversation) throw conversationNotFound()
    await findMessage(tx, scope, conversationId, messageId)
    const running = await tx.select({ id: messages.id }).from(messages).where(and(eq(messages.conversationId, conversationId), sql`${messages.status} in ('pending', 'streaming')`))
    if (running.length > 0) throw new LoomError('conflict', 'An answer is still being written in this conversation. Wait for it or stop it.')
    await tx.update(conversations).set({ shownMessageId: sql`(${newestEndId(scope.orgId, conversationId, messageId)})` }).where(and(eq(conversations.orgId, scope.orgId), eq(conversations.id, conversationId)))
  })
}
