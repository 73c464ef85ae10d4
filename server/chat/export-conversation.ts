import { and, asc, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations, messages } from '../../db/schema'
import { exportDocuments } from '../artifacts/export-documents'
import type { Scope } from '../projects/scope'
import type { Runtime } from '../runtime'
import type { ConversationExport } from '../../shared/conversation-export'
import type { Message } from '../../shared/messages'
import { ModelParameters } from '../../shared/model-parameters'
import { conversationNotFound, openConversations } from './select-conversations'
import { selectMessages } from './select-messages'

/**
 * A conversation with its settings, every branch of it, and the documents made in it.
 * @throws {LoomError} `not_found` when the scope has no such conversation
 */
export async function exportConversation(runtime: Pick<Runtime, 'db' | 'fileStore'>, scope: Scope, conversationId: string): Promise<ConversationExport> {
  const tree = await readTree(runtime.db.orm, scope, conversationId)
  return { ...tree, documents: await exportDocuments(runtime, scope.orgId, conversationId) }
}

/**
 * The shown branch of a conversation as a Markdown document: its words, without what the model thought and called.
 * @throws {LoomError} as `exportConversation`
 */
export async function exportAsMarkdown(orm: Orm, scope: Scope, conversationId: string): Promise<string> {
  const { title, messages, shownMessageId } = await readTree(orm, scope, conversationId)
  const byId = new Map(messages.map(message => [message.id, message]))
  const branch: Message[] = []
  for (let message = byId.get(shownMessageId ?? ''); message; message = byId.get(message.parentId ?? '')) branch.unshift(message)
  return [`# ${title || 'Untitled'}`, ...branch.map(toSection)].join('\n\n') + '\n'
}

async function readTree(orm: Orm, scope: Scope, conversationId: string): Promise<Omit<ConversationExport, 'documents'>> {
  const { title, model, systemPrompt, parameters, tools, createdAt, shownMessageId } = conversations
  const [conversation] = await orm.select({ title, model, systemPrompt, parameters, tools, createdAt, shownMessageId }).from(conversations)
    .where(and(openConversations(scope), eq(conversations.id, conversationId)))
  if (!conversation) throw conversationNotFound()
  const ids = await orm.select({ id: messages.id }).from(messages)
    .where(and(eq(messages.orgId, scope.orgId), eq(messages.conversationId, conversationId)))
    .orderBy(asc(messages.id))
  return {
    format: 'loom.conversation', version: 2, ...conversation, parameters: ModelParameters.parse(conversation.parameters), createdAt: conversation.createdAt.toJSON(),
    messages: await selectMessages(orm, scope.orgId, ids.map(({ id }) => id))
  }
}

function toSection({ role, model, parts, error }: Message): string {
  const heading = role === 'assistant' ? `## Answer${model ? ` (${model})` : ''}` : '## Question'
  const text = parts.flatMap(part => part.type === 'text' ? [part.text] : []).join('\n\n')
  return [heading, text, error && `> ${error.message}`].filter(Boolean).join('\n\n')
}
