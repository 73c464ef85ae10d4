import { sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import { boolean, index, integer, jsonb, pgTable, primaryKey, text, unique, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import { UNSPACED_CHARACTER, unspacedCharacters } from '../unspaced-scripts'
import { count, createdAt, nanoUsd, oneOf, primaryId, timestamps, timestampTz } from './columns'
import { orgs, users } from './identity'
import { projects } from './projects'
import { artifactKinds } from '../../shared/artifacts'
import { feedbackRatings, messageRoles, messageStatuses, partTypes } from '../../shared/messages'

export const conversations = pgTable('conversations', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  projectId: uuid('project_id').notNull().references(() => projects.id, { onDelete: 'restrict' }),
  userId: uuid('user_id').references(() => users.id, { onDelete: 'set null' }),
  title: text('title').notNull().default(''),
  agent: text('agent'),
  provider: text('provider'),
  model: text('model'),
  /** Sent to the model after the project's instructions. */
  systemPrompt: text('system_prompt').notNull().default(''),
  /** As `ModelParameters` in shared/model-parameters.ts. */
  parameters: jsonb('parameters').notNull().default({}),
  pinned: boolean('pinned').notNull().default(false),
  archivedAt: timestampTz('archived_at'),
  deletedAt: timestampTz('deleted_at'),
  lastActiveAt: timestampTz('last_active_at').notNull().defaultNow(),
  /** The end of the branch that is shown. No foreign key: it would want an index of its own, and a message goes only with its conversation. */
  shownMessageId: uuid('shown_message_id'),
  inputTokens: count('input_tokens').notNull().default(0),
  outputTokens: count('output_tokens').notNull().default(0),
  cachedInputTokens: count('cached_input_tokens').notNull().default(0),
  reasoningTokens: count('reasoning_tokens').notNull().default(0),
  toolTimeMs: count('tool_time_ms').notNull().default(0),
  toolCounts: jsonb('tool_counts').notNull().default({}),
  cost: nanoUsd('cost').notNull().default(sql`0`),
  /** Whether its answers may call tools. */
  tools: boolean('tools').notNull().default(false),
  /** Names of tools that ask before they run and were told "always" here, as a JSON array. */
  allowedTools: jsonb('allowed_tools').notNull().default([]),
  ...timestamps
}, table => [
  // Those to be purged.
  index('conversations_deleted_idx').on(table.deletedAt).where(sql`deleted_at is not null`),
  // Ascending: read backwards it gives the list's order, pinned and newest first. A `desc()` here would mean `nulls last`, which `order by … desc` does not match.
  index('conversations_project_idx').on(table.orgId, table.projectId, table.pinned, table.lastActiveAt, table.id)
])

export const messages = pgTable('messages', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  conversationId: uuid('conversation_id').notNull().references(() => conversations.id, { onDelete: 'cascade' }),
  parentId: uuid('parent_id').references((): AnyPgColumn => messages.id, { onDelete: 'cascade' }),
  role: text('role', { enum: messageRoles }).notNull(),
  status: text('status', { enum: messageStatuses }).notNull(),
  agent: text('agent'),
  provider: text('provider'),
  model: text('model'),
  inputTokens: count('input_tokens'),
  outputTokens: count('output_tokens'),
  cachedInputTokens: count('cached_input_tokens'),
  reasoningTokens: count('reasoning_tokens'),
  /** What the thread took of the model's window at its end: of the last of its calls, where the others are of all. */
  contextTokens: count('context_tokens'),
  /** Questions of the thread, with their answers, that this answer's model was not sent: the oldest, because they did not fit. */
  leftOutTurns: count('left_out_turns'),
  cost: nanoUsd('cost'),
  latencyMs: integer('latency_ms'),
  ttfbMs: integer('ttfb_ms'),
  error: text('error'),
  errorType: text('error_type'),
  errorDetails: jsonb('error_details'),
  traceId: uuid('trace_id'),
  /** The process that is writing it while `streaming`. */
  replica: uuid('replica'),
  /** What its sender named it, so that it is stored once however often it is sent. */
  clientId: uuid('client_id'),
  ...timestamps
}, table => [
  index('messages_conversation_idx').on(table.conversationId, table.id),
  index('messages_parent_idx').on(table.parentId, table.id),
  // The branches at the very top of a conversation.
  index('messages_root_idx').on(table.conversationId, table.id).where(sql`parent_id is null`),
  // At most one running answer per conversation, whatever the number of replicas.
  uniqueIndex('messages_running_key').on(table.conversationId).where(sql`status in ('pending', 'streaming')`),
  uniqueIndex('messages_client_key').on(table.conversationId, table.clientId).where(sql`client_id is not null`),
  index('messages_streaming_idx').on(table.replica).where(sql`status in ('pending', 'streaming')`),
  oneOf('messages_role_check', table.role, messageRoles),
  oneOf('messages_status_check', table.status, messageStatuses)
])

export const messageParts = pgTable('message_parts', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  messageId: uuid('message_id').notNull().references(() => messages.id, { onDelete: 'cascade' }),
  index: integer('index').notNull(),
  stepIndex: integer('step_index').notNull().default(0),
  type: text('type', { enum: partTypes }).notNull(),
  content: jsonb('content').notNull(),
  toolName: text('tool_name'),
  toolCallId: text('tool_call_id'),
  toolDurationMs: integer('tool_duration_ms'),
  startedAt: timestampTz('started_at').notNull().defaultNow(),
  completedAt: timestampTz('completed_at')
}, table => [
  unique('message_parts_message_index_key').on(table.messageId, table.index),
  // The words of messages. Cut, because a longer text can have more words than a `tsvector` holds, and could then not be stored at all.
  index('message_parts_words_idx').using('gin', sql`to_tsvector('simple', left(content ->> 'text', 200000))`).where(sql`type = 'text'`),
  // Where a language puts no spaces between words, each of its characters is a word.
  index('message_parts_characters_idx').using('gin', sql.raw(`to_tsvector('simple', ${unspacedCharacters('left(content ->> \'text\', 200000)')})`))
    .where(sql.raw(`type = 'text' and content ->> 'text' ~ '${UNSPACED_CHARACTER}'`)),
  // Which messages a file went with.
  index('message_parts_file_idx').on(sql`(content ->> 'fileId')`).where(sql`type in ('image', 'file')`),
  oneOf('message_parts_type_check', table.type, partTypes)
])

/**
 * What a running answer has said so far, in the order it was said: a row is what was gathered for one write. Only ever appended to; when
 * the answer is settled its parts take the place of its events.
 */
export const messageEvents = pgTable('message_events', {
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  messageId: uuid('message_id').notNull().references(() => messages.id, { onDelete: 'cascade' }),
  /** The numbers of the first and the last event in it: the ids of the event stream. */
  first: integer('first').notNull(),
  last: integer('last').notNull(),
  /** A JSON array, as text: pieces of a text may end in half a character, which `jsonb` refuses. */
  events: text('events').notNull(),
  createdAt: createdAt()
}, table => [primaryKey({ columns: [table.messageId, table.first] })])

/** How far somebody has seen a conversation: up to its `last_active_at` of then. */
export const conversationReads = pgTable('conversation_reads', {
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  userId: uuid('user_id').notNull().references(() => users.id, { onDelete: 'cascade' }),
  conversationId: uuid('conversation_id').notNull().references(() => conversations.id, { onDelete: 'cascade' }),
  seenAt: timestampTz('seen_at').notNull()
}, table => [
  primaryKey({ columns: [table.userId, table.conversationId] }),
  index('conversation_reads_conversation_idx').on(table.conversationId)
])

/** What each reader thought of an answer; their last word. */
export const messageFeedback = pgTable('message_feedback', {
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  messageId: uuid('message_id').notNull().references(() => messages.id, { onDelete: 'cascade' }),
  userId: uuid('user_id').notNull().references(() => users.id, { onDelete: 'cascade' }),
  rating: text('rating', { enum: feedbackRatings }).notNull(),
  comment: text('comment').notNull().default(''),
  ...timestamps
}, table => [
  primaryKey({ columns: [table.messageId, table.userId] }),
  index('message_feedback_user_idx').on(table.userId),
  oneOf('message_feedback_rating_check', table.rating, feedbackRatings)
])

export const artifacts = pgTable('artifacts', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  conversationId: uuid('conversation_id').notNull().references(() => conversations.id, { onDelete: 'cascade' }),
  /** The tool's result that made it. */
  partId: uuid('part_id').notNull().unique().references(() => messageParts.id, { onDelete: 'cascade' }),
  kind: text('kind', { enum: artifactKinds }).notNull(),
  path: text('path').notNull(),
  /** Of its path in its conversation, from 1. */
  version: integer('version').notNull(),
  mime: text('mime').notNull(),
  sizeBytes: count('size_bytes').notNull(),
  sha256: text('sha256').notNull(),
  storageKey: text('storage_key').notNull(),
  createdAt: createdAt()
}, table => [
  unique('artifacts_conversation_path_version_key').on(table.conversationId, table.path, table.version),
  // Copies of a conversation share the bytes.
  index('artifacts_storage_idx').on(table.storageKey),
  // What an org has room for is counted over these alone.
  index('artifacts_room_idx').on(table.orgId, table.storageKey, table.sizeBytes),
  oneOf('artifacts_kind_check', table.kind, artifactKinds)
])
