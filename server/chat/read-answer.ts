import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations } from '../../db/schema'
import type { ChatEvent } from '../../shared/chat-events'
import type { Conversation } from '../../shared/conversations'
import type { Message } from '../../shared/messages'
import { conversationNotFound, selectConversations, toConversation } from './select-conversations'
import { selectMessages } from './select-messages'

/** The event that ends an answer's stream. */
export type EndEvent = Extract<ChatEvent, { type: 'done' | 'error' }>

/**
 * An answer and its conversation as stored, even when that was deleted meanwhile.
 * @throws {LoomError} `not_found` when the org has no such message
 */
export async function readAnswer(orm: Orm, orgId: string, messageId: string): Promise<{ message: Message, conversation: Conversation }> {
  const [message] = await selectMessages(orm, orgId, [messageId])
  if (!message) throw conversationNotFound()
  const [conversation] = await selectConversations(orm).where(and(eq(conversations.orgId, orgId), eq(conversations.id, message.conversationId)))
  if (!conversation) throw conversationNotFound()
  return { message, conversation: toConversation(conversation) }
}

export function endEvent({ message, conversation }: { message: Message, conversation: Conversation }): EndEvent {
  return { type: message.status === 'error' ? 'error' : 'done', message, conversation }
}
