import { and, eq, getTableColumns, isNull, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { conversations, messages } from '../../db/schema'
import { LoomError } from '../errors'
import { exactTimestamp } from '../projects/list-cursor'
import { conversationsInScope } from '../projects/scope'
import type { Scope } from '../projects/scope'
import { versionOf } from '../versions/version-of'
import type { Conversation, ConversationSettings } from '../../shared/conversations'
import { ModelParameters } from '../../shared/model-parameters'

const running = alias(messages, 'running')

/** Conversations with their running answer; the caller adds scope, order and limit. */
export function selectConversations(orm: Orm) {
  return orm
    .select({ ...getTableColumns(conversations), runningMessageId: running.id, exactLastActiveAt: exactTimestamp(conversations.lastActiveAt) })
    .from(conversations)
    // The statuses stand in the text, not in parameters, so that the partial index of running messages serves it: at most one row.
    .leftJoin(running, and(eq(running.conversationId, conversations.id), sql`${running.status} in ('pending', 'streaming')`))
}

/** What a caller in `scope` may open: not deleted, in the org, in the key's project. */
export function openConversations(scope: Scope) {
  return and(conversationsInScope(scope), isNull(conversations.deletedAt))
}

export function conversationNotFound(): LoomError {
  return new LoomError('not_found', 'There is no such conversation.')
}

/** What of a conversation is edited in a form, where two may do so at once. */
export function conversationSettings({ systemPrompt, parameters }: Pick<typeof conversations.$inferSelect, 'systemPrompt' | 'parameters'>): ConversationSettings {
  return { systemPrompt, parameters: ModelParameters.parse(parameters) }
}

type ConversationRow = Awaited<ReturnType<typeof selectConversations>>[number]

const ToolCounts = z.record(z.string(), z.int())

export function toConversation(row: ConversationRow): Conversation {
  const settings = conversationSettings(row)
  return {
    id: row.id,
    projectId: row.projectId,
    userId: row.userId,
    title: row.title,
    model: row.model,
    version: versionOf(settings),
    ...settings,
    pinned: row.pinned,
    archivedAt: row.archivedAt?.toJSON() ?? null,
    lastActiveAt: row.exactLastActiveAt,
    createdAt: row.createdAt.toJSON(),
    updatedAt: row.updatedAt.toJSON(),
    runningMessageId: row.runningMessageId,
    inputTokens: row.inputTokens,
    outputTokens: row.outputTokens,
    cachedInputTokens: row.cachedInputTokens,
    reasoningTokens: row.reasoningTokens,
    costNanoUsd: row.cost.toString(),
    tools: row.tools,
    toolTimeMs: row.toolTimeMs,
    toolCounts: ToolCounts.parse(row.toolCounts)
  }
}
