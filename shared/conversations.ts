import { z } from './zod'
import { Cursor, Id, NanoUsdText, QueryFlag, Timestamp, storableText } from './json'
import { ModelName, ModelParameters } from './model-parameters'

/** The longest system prompt of a conversation, in UTF-16 code units. */
export const SYSTEM_PROMPT_MAX = 20_000

const SystemPrompt = storableText(SYSTEM_PROMPT_MAX).trim()

/** How the answers of a conversation are asked for. */
export const ConversationSettings = z.object({
  /** Sent to the model after the project's instructions. */
  systemPrompt: SystemPrompt,
  /** What is absent in them is the project's. */
  parameters: ModelParameters
})
export type ConversationSettings = z.infer<typeof ConversationSettings>

/** `POST /api/projects/{id}/conversations`; the body may be `{}`. */
export const CreateConversation = z.strictObject({
  title: storableText(200).trim().default(''),
  /** Absent: the project's default model. */
  model: ModelName.optional(),
  ...ConversationSettings.partial().shape
})
export type CreateConversation = z.infer<typeof CreateConversation>

/** `PATCH /api/conversations/{id}`: what is absent stays. */
export const UpdateConversation = z.strictObject({
  title: storableText(200).trim().min(1).optional(),
  pinned: z.boolean().optional(),
  archived: z.boolean().optional(),
  model: ModelName.nullable().optional(),
  /** Each replaced whole. */
  ...ConversationSettings.partial().shape,
  /** Moves it there. */
  projectId: Id.optional()
})
export type UpdateConversation = z.infer<typeof UpdateConversation>

/** `GET /api/projects/{id}/conversations` */
export const ConversationQuery = z.object({
  search: storableText(120).trim().optional(),
  /** Lists the archived conversations instead of the others. */
  archived: QueryFlag,
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: Cursor.optional()
})
export type ConversationQuery = z.infer<typeof ConversationQuery>

/**
 * Answer of `GET` and `PATCH /api/conversations/{id}`, `POST …/restore` and `POST /api/projects/{id}/conversations`.
 * `DELETE /api/conversations/{id}` answers 204; until it is purged, `POST …/restore` brings it back.
 */
export const Conversation = z.object({
  id: Id,
  projectId: Id,
  /** Of its prompt and parameters: sent as `If-Match` with a change, it makes sure that nobody else has changed those meanwhile. */
  version: z.string(),
  /** Who opened it; null when that user is gone. */
  userId: Id.nullable(),
  /** Empty until the first message, whose first words it takes unless somebody named it. */
  title: z.string(),
  /** The model of its next answer; null: the project's default, else the first of `GET /api/models`. */
  model: z.string().nullable(),
  systemPrompt: z.string(),
  parameters: ModelParameters,
  pinned: z.boolean(),
  archivedAt: Timestamp.nullable(),
  lastActiveAt: Timestamp,
  createdAt: Timestamp,
  updatedAt: Timestamp,
  /** The answer being written right now. */
  runningMessageId: Id.nullable(),
  inputTokens: z.int(),
  outputTokens: z.int(),
  cachedInputTokens: z.int(),
  reasoningTokens: z.int(),
  costNanoUsd: NanoUsdText,
  /** Whether its answers may call tools. */
  tools: z.boolean(),
  /** Milliseconds its tools took, and how often each was called. */
  toolTimeMs: z.int(),
  toolCounts: z.record(z.string(), z.int())
})
export type Conversation = z.infer<typeof Conversation>

/** Answer of `GET /api/projects/{id}/conversations`: pinned ones first, then the most recently active. */
export const ConversationPage = z.object({
  conversations: z.array(Conversation),
  /** By conversation, up to when the caller has seen it; those they never opened are left out. */
  seen: z.record(Id, Timestamp),
  nextCursor: Cursor.nullable()
})
export type ConversationPage = z.infer<typeof ConversationPage>

/** `PUT /api/conversations/{id}/seen`: the caller has the conversation before them, as it is now. */
export const MarkSeen = z.strictObject({
  /** `lastActiveAt` of what they have before them, where that may not be its newest. */
  upTo: Timestamp.optional(),
  /** The page they see it on, which is not told so; as in `ChangesQuery`. */
  page: Id.optional()
})
export type MarkSeen = z.infer<typeof MarkSeen>

/** The most conversations that one call changes. */
export const BULK_MAX = 200

/** `POST /api/conversations/bulk`: all of them or, where one is not to be found, none. Restoring undoes a deletion. */
export const ChangeConversations = z.discriminatedUnion('action', [
  z.strictObject({ action: z.enum(['archive', 'unarchive', 'delete', 'restore']), ids: z.array(Id).min(1).max(BULK_MAX) }),
  z.strictObject({ action: z.literal('move'), ids: z.array(Id).min(1).max(BULK_MAX), projectId: Id })
])
export type ChangeConversations = z.infer<typeof ChangeConversations>

/** Answer of `POST /api/conversations/bulk`. */
export const ConversationsChanged = z.object({ changed: z.int() })

/** `GET /api/conversations/{id}/search` */
export const ThreadSearchQuery = z.object({ q: storableText(200).trim().min(1) })
export type ThreadSearchQuery = z.infer<typeof ThreadSearchQuery>

/** Answer of `GET /api/conversations/{id}/search`: the messages that hold the words as written, in any case: those on other branches, then those on the shown one, each oldest first; the last 500 of them. */
export const ThreadSearchResult = z.object({ messageIds: z.array(Id) })

/**
 * `POST /api/conversations/{id}/messages/{messageId}/branch-off`: a conversation of its own with the thread down to that message, or with `summary`
 * one that begins with a summary of it, which a model is asked for (and charged) first.
 */
export const BranchOff = z.strictObject({ summary: z.boolean().default(false), model: ModelName.optional() })
export type BranchOff = z.infer<typeof BranchOff>
