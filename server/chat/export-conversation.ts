import { and, asc, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations, messages } from '../../db/schema'
import type { Scope } from '../projects/scope'
import type { ConversationExport } from '../../shared/conversation-export'
import type { Message } from '../../shared/messages'
import { conversationNotFound, openConversations } from './select-conversations'
import { selectMessages } from './select-messages'

/**
 * A conversation with every branch of it.
 * @throws {LoomError} `not_found` when the scope has no such conversation
 */
export async function exportConversation(orm: Orm, scope: Scope, conversationId: string): Promise<ConversationExport> {
  const [conversation] = await orm
    .select({ title: conversations.title, model: conversations.model, createdAt: conversations.createdAt, shownMessageId: conversations.shownMessageId })
    .from(conversations)
    .where(and(openConversations(scope), eq(conversations.id, conversationId)))
  if (!conversation) throw conversationNotFound()
  const ids = await orm.select({ id: messages.id }).from(messages)
    .where(and(eq(messages.orgId, scope.orgId), eq(messages.conversationId, conversationId)))
    .orderBy(asc(messages.id))
  return {
    format: 'loom.conversation', version: 1, ...conversation, createdAt: conversation.createdAt.toJSON(),
    messages: await selectMessages(orm, scope.orgId, ids.map(({ id }) => id))
  }
}

/** The shown branch of an export as a Markdown document: its words, without what the model thought and called. */
export function exportAsMarkdown({ title, messages, shownMessageId }: ConversationExport): string {
  const byId = new Map(messages.map(message => [message.id, message]))
  const branch: Message[] = []
  for (let message = byId.get(shownMessageId ?? ''); message; message = byId.get(message.parentId ?? '')) branch.unshift(message)
  return [`# ${title || 'Untitled'}`, ...branch.map(toSection)].join('\n\n') + '\n'
}

function toSection({ role, model, parts, error }: Message): string {
  const heading = role === 'assistant' ? `## Answer${model ? ` (${model})` : ''}` : '## Question'
  const text = parts.flatMap(part => part.type === 'text' ? [part.text] : []).join('\n\n')
  return [heading, text, error && `> ${error.message}`].filter(Boolean).join('\n\n')
}
