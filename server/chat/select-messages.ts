import type { Placeholder, SQL } from 'drizzle-orm'
import { and, asc, eq, getTableColumns, inArray, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import type { messageParts } from '../../db/schema'
import { conversations, messages } from '../../db/schema'
import { Feedback, MessagePart, partTypes } from '../../shared/messages'
import type { Message } from '../../shared/messages'
import { applyChatEvent } from '../../shared/apply-chat-event'
import { toStorableText } from '../../shared/json'
import type { NumberedEvent } from './event-log'
import { eventsOfRunning } from './read-events'

/** The number of the event that begins a stream; what the answer says comes after it. */
export const FIRST_EVENT_ID = 1

/** In a select from `messages`: the ids of all that follow the same message, oldest first. Written out, because drizzle leaves the table's name away. */
const siblingIds = sql<string[]>`array_to_string(case when messages.parent_id is null
  then array(select sibling.id from messages sibling where sibling.org_id = messages.org_id and sibling.conversation_id = messages.conversation_id and sibling.parent_id is null order by sibling.id)
  else array(select sibling.id from messages sibling where sibling.org_id = messages.org_id and sibling.parent_id = messages.parent_id order by sibling.id)
end, ',')`.mapWith((ids: string | null) => ids === null ? [] : ids.split(','))

/** In a select from `messages`: what that user thought of each; null where they said nothing. */
export const feedbackOf = (userId: string) =>
  sql`(select jsonb_build_object('rating', rating, 'comment', comment) from message_feedback where message_feedback.message_id = messages.id and message_feedback.user_id = ${userId})`
    .mapWith((given: unknown) => Feedback.nullable().parse(given))

const StoredPart = z.object({
  index: z.int(),
  type: z.enum(partTypes),
  content: z.record(z.string(), z.unknown()),
  toolCallId: z.string().nullable(),
  toolName: z.string().nullable(),
  durationMs: z.int().nullable(),
  startedAt: z.coerce.date(),
  completedAt: z.coerce.date().nullable()
})
const StoredParts = z.array(StoredPart)

/** In a select from `messages`: the stored parts of each, in order. */
const partsOf = sql`coalesce((
  select json_agg(json_build_object(
    'index', part.index, 'type', part.type, 'content', part.content, 'toolCallId', part.tool_call_id, 'toolName', part.tool_name,
    'durationMs', part.tool_duration_ms, 'startedAt', part.started_at, 'completedAt', part.completed_at
  ) order by part.index) from message_parts part where part.org_id = messages.org_id and part.message_id = messages.id
), '[]')`.mapWith((parts: unknown) => StoredParts.parse(parts).map(toPart))

/** All that makes a message, as one statement sees it: its row, the messages beside it, its parts, and the log of a running answer. */
export const messageColumns = { ...getTableColumns(messages), siblingIds, parts: partsOf, events: eventsOfRunning }

type MessageRow = typeof messages.$inferSelect & { siblingIds: string[], parts: MessagePart[], events: NumberedEvent[], feedback?: Feedback | null }

/** More messages than any branch has. */
export const BRANCH_MESSAGES_MAX = 1_000_000

/**
 * The ids on a branch: from the message that `start` selects up through its parents, at most `limit`, as an array.
 * Reads only those rows, however long the conversation is.
 */
export function branchIds(orgId: string | Placeholder, start: SQL, limit: number): SQL {
  return sql`array(
    with recursive branch as (
      select id, parent_id, 1 as length from ${messages} where org_id = ${orgId} and id = (${start})
      union all
      select parent.id, parent.parent_id, branch.length + 1
      from ${messages} parent join branch on parent.id = branch.parent_id
      where parent.org_id = ${orgId} and branch.length < ${limit}
    )
    select id from branch
  )`
}

/** The last message of the branch that is shown. */
export function shownMessageId(orgId: string, conversationId: string): SQL {
  return sql`select shown_message_id from ${conversations} where org_id = ${orgId} and id = ${conversationId}`
}

/** The last message of the newest branch through a message; none where the conversation has no such message. */
export function newestEndId(orgId: string, conversationId: string, messageId: string): SQL {
  return sql`
    with recursive below as (
      select id from ${messages} where org_id = ${orgId} and conversation_id = ${conversationId} and id = ${messageId}
      union all
      select child.id from below, lateral (select id from ${messages} where org_id = ${orgId} and parent_id = below.id order by id desc limit 1) child
    )
    select id from below order by id desc limit 1
  `
}

/** The newest message of a conversation, on whichever branch. */
export function newestMessageId(orgId: string, conversationId: string): SQL {
  return sql`select id from ${messages} where org_id = ${orgId} and conversation_id = ${conversationId} order by id desc limit 1`
}

/** Those messages of the org, in the order of their ids. */
export async function selectMessages(orm: Orm, orgId: string, ids: string[]): Promise<Message[]> {
  return (await selectRows(orm, orgId, ids)).map(toMessage)
}

/** A running answer as its log says it to be, and the number of the last event in it; undefined when it is settled. */
export async function findRunning(orm: Orm, orgId: string, messageId: string): Promise<{ message: Message, lastId: number } | undefined> {
  const [row] = await selectRows(orm, orgId, [messageId])
  return row && isRunning(row) ? { message: toMessage(row), lastId: row.events.at(-1)?.id ?? FIRST_EVENT_ID } : undefined
}

function selectRows(orm: Orm, orgId: string, ids: string[]) {
  return orm.select(messageColumns).from(messages).where(and(eq(messages.orgId, orgId), inArray(messages.id, ids))).orderBy(asc(messages.id))
}

export const isRunning = ({ status }: Pick<Message, 'status'>) => status === 'pending' || status === 'streaming'

/** A settled message with its stored parts, a running one as its log says it to be. */
export function toMessage(row: MessageRow): Message {
  const message: Message = {
    id: row.id,
    conversationId: row.conversationId,
    parentId: row.parentId,
    siblingIds: row.siblingIds,
    role: row.role,
    status: row.status,
    provider: row.provider,
    model: row.model,
    inputTokens: row.inputTokens,
    outputTokens: row.outputTokens,
    cachedInputTokens: row.cachedInputTokens,
    reasoningTokens: row.reasoningTokens,
    contextTokens: row.contextTokens,
    leftOutTurns: row.leftOutTurns,
    costNanoUsd: row.cost?.toString() ?? null,
    latencyMs: row.latencyMs,
    ttfbMs: row.ttfbMs,
    traceId: row.traceId,
    error: row.status === 'error' ? { code: row.errorType ?? 'internal_error', message: row.error ?? '' } : null,
    createdAt: row.createdAt.toJSON(),
    feedback: row.feedback ?? null,
    parts: row.parts
  }
  return row.events.reduce((folded, { event }) => applyChatEvent(folded, event) ?? folded, message)
}

function toPart({ content, durationMs, startedAt, completedAt, ...part }: z.infer<typeof StoredPart>): MessagePart {
  return MessagePart.parse({ ...content, ...part, ...durationMs !== null && { durationMs }, startedAt: startedAt.toJSON(), completedAt: completedAt?.toJSON() ?? null })
}

/** The row of a part, but for its id. */
export function toPartRow(orgId: string, messageId: string, part: MessagePart): Omit<typeof messageParts.$inferInsert, 'id'> {
  const tool = 'toolCallId' in part ? { toolCallId: toStorableText(part.toolCallId), toolName: toStorableText(part.toolName) } : {}
  return {
    orgId,
    messageId,
    index: part.index,
    type: part.type,
    content: contentOf(part),
    ...tool,
    toolDurationMs: part.type === 'tool_result' ? part.durationMs : undefined,
    startedAt: new Date(part.startedAt),
    completedAt: part.completedAt === null ? null : new Date(part.completedAt)
  }
}

function contentOf(part: MessagePart): Record<string, unknown> {
  if (part.type === 'image' || part.type === 'file') return { fileId: part.fileId, name: part.name, mime: part.mime, sizeBytes: part.sizeBytes }
  if (part.type === 'tool_call') return { arguments: toStorableText(part.arguments), approval: part.approval }
  if (part.type === 'tool_result') return { text: toStorableText(part.text), failed: part.failed, artifact: part.artifact }
  const text = toStorableText(part.text)
  return part.type === 'error' ? { code: part.code, text } : { text }
}
