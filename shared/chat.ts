import { z } from 'zod'
import { MESSAGE_FILES_MAX } from './files'
import { Cursor, Id, NanoUsdText, QueryFlag, Timestamp, storableText } from './json'
import { ModelParameters, reasoningEfforts } from './model-parameters'

export const messageRoles = ['system', 'user', 'assistant', 'tool'] as const
/** `pending` and `streaming` are running; the others are final. */
export const messageStatuses = ['pending', 'streaming', 'complete', 'error', 'aborted'] as const
export const partTypes = ['text', 'reasoning', 'tool_call', 'tool_result', 'image', 'file', 'error'] as const
export const artifactKinds = ['file', 'file_diff', 'image'] as const

/** The longest user message, in UTF-16 code units. */
export const MESSAGE_TEXT_MAX = 200_000

/** The longest system prompt of a conversation, in UTF-16 code units. */
export const SYSTEM_PROMPT_MAX = 20_000

const ModelName = storableText(200).trim().min(1)
const SystemPrompt = storableText(SYSTEM_PROMPT_MAX).trim()

/* Conversations */

/** `POST /api/projects/{id}/conversations`; the body may be `{}`. */
export const CreateConversation = z.strictObject({
  title: storableText(200).trim().default(''),
  /** Absent: the project's default model. */
  model: ModelName.optional(),
  systemPrompt: SystemPrompt.optional(),
  parameters: ModelParameters.optional()
})
export type CreateConversation = z.infer<typeof CreateConversation>

/** `PATCH /api/conversations/{id}`: what is absent stays. */
export const UpdateConversation = z.strictObject({
  title: storableText(200).trim().min(1).optional(),
  pinned: z.boolean().optional(),
  archived: z.boolean().optional(),
  model: ModelName.nullable().optional(),
  systemPrompt: SystemPrompt.optional(),
  /** Replaced whole. */
  parameters: ModelParameters.optional(),
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
  /** Who opened it; null when that user is gone. */
  userId: Id.nullable(),
  /** Empty until the first message, whose first words it takes unless somebody named it. */
  title: z.string(),
  /** The model of its next answer; null: the project's default, else the first of `GET /api/models`. */
  model: z.string().nullable(),
  /** Sent to the model after the project's instructions. */
  systemPrompt: z.string(),
  /** What is absent in them is the project's. */
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
export const ConversationPage = z.object({ conversations: z.array(Conversation), nextCursor: Cursor.nullable() })
export type ConversationPage = z.infer<typeof ConversationPage>

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

/** Answer of `GET /api/conversations/{id}/search`: the messages of the shown branch that hold the words as written, in any case, oldest first, at most 500. */
export const ThreadSearchResult = z.object({ messageIds: z.array(Id) })

/** `GET /api/conversations/{id}/export` */
export const ExportQuery = z.object({ format: z.enum(['markdown', 'json']).default('markdown') })
export type ExportQuery = z.infer<typeof ExportQuery>

/* Messages */

const PartFields = z.object({
  /** Its place in the message, from 0 without gaps. */
  index: z.int(),
  startedAt: Timestamp,
  /** Null while it is being written. */
  completedAt: Timestamp.nullable()
})

export const TextPart = PartFields.extend({ type: z.literal('text'), text: z.string() })
export const ReasoningPart = PartFields.extend({ type: z.literal('reasoning'), text: z.string() })
/** `arguments` is the JSON the model wrote: incomplete while it streams, possibly invalid after. */
export const ToolCallPart = PartFields.extend({
  type: z.literal('tool_call'), toolCallId: z.string(), toolName: z.string(), arguments: z.string(),
  /** Of a tool that asks before it runs: `asked` while it waits for `POST /api/conversations/{id}/decisions`. */
  approval: z.enum(['asked', 'allowed', 'denied']).optional()
})
export type ToolCallPart = z.infer<typeof ToolCallPart>
export const ToolResultPart = PartFields.extend({
  type: z.literal('tool_result'), toolCallId: z.string(), toolName: z.string(), text: z.string(),
  durationMs: z.int().optional(),
  /** The call came to nothing; `text` says why. */
  failed: z.boolean().optional(),
  /** The document it made: see `GET /api/conversations/{id}/artifacts`. */
  artifact: z.object({ path: z.string(), version: z.int() }).optional()
})
export type ToolResultPart = z.infer<typeof ToolResultPart>
const AttachedFile = PartFields.extend({ fileId: Id, name: z.string(), mime: z.string(), sizeBytes: z.int() })
/** Given with a user's message: `GET /api/files/{fileId}/content`. */
export const ImagePart = AttachedFile.extend({ type: z.literal('image') })
export const FilePart = AttachedFile.extend({ type: z.literal('file') })
/** Why the answer ends here: the last part of each message whose status is `error`, and the same as its `error`. */
export const ErrorPart = PartFields.extend({ type: z.literal('error'), code: z.string(), text: z.string() })

export const MessagePart = z.discriminatedUnion('type', [TextPart, ReasoningPart, ToolCallPart, ToolResultPart, ImagePart, FilePart, ErrorPart])
export type MessagePart = z.infer<typeof MessagePart>

export const feedbackRatings = ['up', 'down'] as const

/** What somebody thought of an answer. */
export const Feedback = z.object({ rating: z.enum(feedbackRatings), comment: z.string() })
export type Feedback = z.infer<typeof Feedback>

/** `PUT /api/conversations/{id}/messages/{messageId}/feedback`: one's own, in place of what one gave before; a null `rating` takes it back. Answers 204. */
export const GiveFeedback = z.strictObject({ rating: z.enum(feedbackRatings).nullable(), comment: storableText(2_000).trim().default('') })
export type GiveFeedback = z.infer<typeof GiveFeedback>

export const Message = z.object({
  id: Id,
  conversationId: Id,
  /** The message it follows; null at the top. */
  parentId: Id.nullable(),
  /** All messages that follow the same one, oldest first, itself among them: each begins a branch, and the thread shows one of them. */
  siblingIds: z.array(Id),
  role: z.enum(messageRoles),
  status: z.enum(messageStatuses),
  /** What answered, as far as known yet; null on user messages. */
  provider: z.string().nullable(),
  model: z.string().nullable(),
  inputTokens: z.int().nullable(),
  outputTokens: z.int().nullable(),
  cachedInputTokens: z.int().nullable(),
  reasoningTokens: z.int().nullable(),
  costNanoUsd: NanoUsdText.nullable(),
  latencyMs: z.int().nullable(),
  /** Milliseconds to the first byte of the answer. */
  ttfbMs: z.int().nullable(),
  /** Of its call: `/v1/traces/{traceId}`. */
  traceId: Id.nullable(),
  /** Set when `status` is `error`; `code` is one of the API's error codes, or `interrupted` when the process died. */
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  createdAt: Timestamp,
  /** The reader's own. */
  feedback: Feedback.nullable().default(null),
  parts: z.array(MessagePart)
})
export type Message = z.infer<typeof Message>

/** What `GET /api/conversations/{id}/export?format=json` answers: the whole tree, oldest message first. */
export const ConversationExport = z.object({
  format: z.literal('loom.conversation'),
  version: z.literal(1),
  title: z.string(),
  model: z.string().nullable(),
  createdAt: Timestamp,
  /** The end of the branch that is shown. */
  shownMessageId: Id.nullable(),
  messages: z.array(Message)
})
export type ConversationExport = z.infer<typeof ConversationExport>

/** The largest export that is taken back, in bytes, and the most messages in it. */
export const IMPORT_MAX_BYTES = 32 * 1024 * 1024
const IMPORT_MESSAGES_MAX = 20_000
const IMPORT_TEXT_MAX = 4 * 1024 * 1024

/** `POST /api/projects/{id}/import`: what `GET …/export?format=json` gave. Costs and traces stay where they were; ids are made anew. */
export const ImportConversation = ConversationExport.extend({
  title: storableText(200),
  model: ModelName.nullable(),
  messages: z.array(Message.extend({ parts: z.array(MessagePart).max(1_000), model: storableText(200).nullable(), provider: storableText(100).nullable() })).max(IMPORT_MESSAGES_MAX)
}).superRefine(({ messages, shownMessageId }, context) => {
  const problem = findImportProblem(messages, shownMessageId)
  if (problem) context.addIssue({ code: 'custom', path: ['messages'], message: problem })
})
export type ImportConversation = z.infer<typeof ImportConversation>

/** Each message once, after the one it follows, with words that can be stored: so that they form a tree. */
function findImportProblem(messages: readonly Message[], shownMessageId: string | null): string | undefined {
  const seen = new Set<string>()
  for (const { id, parentId, status, parts } of messages) {
    if (seen.has(id)) return 'A message is in it twice'
    if (parentId !== null && !seen.has(parentId)) return 'A message comes before the one it follows'
    if (status === 'pending' || status === 'streaming') return 'An answer in it is unfinished'
    if (parts.some((part, index) => part.index !== index)) return 'The parts of a message are not in order'
    if (parts.some(part => lengthOf(part) > IMPORT_TEXT_MAX)) return 'A message in it is too long'
    seen.add(id)
  }
  return shownMessageId === null || seen.has(shownMessageId) ? undefined : 'The message that is shown is not in it'
}

const lengthOf = (part: MessagePart) => 'text' in part ? part.text.length : JSON.stringify(part).length

/** `GET /api/conversations/{id}/messages`: the newest page; `before` = the last page's `nextCursor` for the one above it. */
export const MessageQuery = z.object({
  before: Id.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50)
})
export type MessageQuery = z.infer<typeof MessageQuery>

/** Also the answer of `POST /api/conversations/{id}/messages/{messageId}/show`, which shows the newest branch through that message: 409 `conflict` while an answer is running. Messages of the shown branch, oldest first; `nextCursor` is null at the top of the thread. */
export const MessagePage = z.object({ messages: z.array(Message), nextCursor: Id.nullable() })
export type MessagePage = z.infer<typeof MessagePage>

const RequestContent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('image_url'), image_url: z.object({ url: z.string() }) }),
  z.object({ type: z.literal('file'), file: z.object({ filename: z.string(), file_data: z.string() }) })
])

/** A message as a chat completion takes it. */
export const RequestMessage = z.object({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.union([z.string(), z.array(RequestContent)]).nullable(),
  tool_calls: z.array(z.object({ id: z.string(), type: z.literal('function'), function: z.object({ name: z.string(), arguments: z.string() }) })).optional(),
  tool_call_id: z.string().optional()
})
export type RequestMessage = z.infer<typeof RequestMessage>

/**
 * `GET /api/conversations/{id}/messages/{messageId}/request`: what was asked of the model for that answer, as far as the thread, its
 * project's instructions and the model's window are still the same: the body of a `POST /v1/chat/completions`. The bytes of attachments are left out of it.
 */
export const AnswerRequest = z.object({
  model: z.string(), messages: z.array(RequestMessage), stream: z.boolean(),
  temperature: z.number().optional(), top_p: z.number().optional(), max_tokens: z.int().optional(), reasoning_effort: z.enum(reasoningEfforts).optional()
})
export type AnswerRequest = z.infer<typeof AnswerRequest>

/** `POST /api/conversations/{id}/messages`: answers with an event stream (see ChatEvent); 409 `conflict` while an answer is running. */
export const SendMessage = z.strictObject({
  /** May be empty beside files. */
  text: storableText(MESSAGE_TEXT_MAX).default(''),
  /** Uploaded before with `POST /api/projects/{id}/files`. */
  fileIds: z.array(Id).max(MESSAGE_FILES_MAX).optional(),
  /** The answer it follows, null for the top: with an earlier message's `parentId` it becomes a branch beside that. Absent: the end of the shown branch. */
  parentId: Id.nullable().optional(),
  /** Also becomes the conversation's model. */
  model: ModelName.optional(),
  /** Whether answers may call tools; from now on, too. */
  tools: z.boolean().optional()
}).refine(({ text, fileIds }) => text.trim() !== '' || fileIds?.length, { path: ['text'], message: 'Write something first' })
export type SendMessage = z.infer<typeof SendMessage>

/**
 * `POST /api/conversations/{id}/messages/{messageId}/retry`: answers the same message anew as a branch; `…/continue`: goes on where that
 * answer stopped, in a message below it. Event streams like SendMessage's, without a `userMessage`. `model` also becomes the conversation's.
 */
export const AnswerAgain = z.strictObject({ model: ModelName.optional() })
export type AnswerAgain = z.infer<typeof AnswerAgain>

/**
 * `POST /api/conversations/{id}/messages/{messageId}/branch-off`: a conversation of its own with the thread down to that message, or with `summary`
 * one that begins with a summary of it, which a model is asked for (and charged) first.
 */
export const BranchOff = z.strictObject({ summary: z.boolean().default(false), model: ModelName.optional() })
export type BranchOff = z.infer<typeof BranchOff>

/** The most messages, and UTF-16 code units in them, that a temporary chat sends. */
export const TEMPORARY_MESSAGES_MAX = 400
export const TEMPORARY_TEXT_MAX = 2_000_000

/**
 * `POST /api/projects/{id}/temporary`: the next answer of a chat that is kept nowhere: its messages come with each call. Answers with an event stream of
 * `part`, `delta`, `part_done` and `usage`, ended by `end` (see TemporaryEvent). The call is charged, and traced without its bodies.
 */
export const AskTemporarily = z.strictObject({
  messages: z.array(z.strictObject({ role: z.enum(['user', 'assistant']), text: storableText(TEMPORARY_TEXT_MAX) })).min(1).max(TEMPORARY_MESSAGES_MAX)
    .refine(messages => messages.at(-1)?.role === 'user', 'The last message must be the user\'s')
    .refine(messages => messages.reduce((sum, { text }) => sum + text.length, 0) <= TEMPORARY_TEXT_MAX, 'The messages are too long together'),
  model: ModelName.optional()
})
export type AskTemporarily = z.infer<typeof AskTemporarily>

/** Answer of `POST /api/conversations/{id}/stop`; false when nothing was running. The stream then ends with `done`, status `aborted`. */
export const StopResult = z.object({ stopped: z.boolean() })
export type StopResult = z.infer<typeof StopResult>

const toolDecisions = ['once', 'always', 'deny'] as const
export type ToolDecision = typeof toolDecisions[number]

/** `POST /api/conversations/{id}/decisions`: lets a call that asks run, this once or whenever its tool is called in this conversation, or refuses it. */
export const DecideTool = z.strictObject({ toolCallId: z.string().min(1).max(500), decision: z.enum(toolDecisions) })
export type DecideTool = z.infer<typeof DecideTool>

/** `GET /api/conversations/{id}/stream` */
export const FollowQuery = z.object({
  /** The last event id the client saw: the stream goes on after it. 0, or without the header `Last-Event-ID` in its place: from the beginning. */
  after: z.coerce.number().int().min(0).default(0),
  /** The message that event was of. When another one is being written by now, it is sent from its beginning. */
  message: Id.optional()
})
export type FollowQuery = z.infer<typeof FollowQuery>

/* The event stream of an answer */

/**
 * One server-sent event: `id: <n>`, `event: <type>`, `data: <this, as JSON>`; within an answer ids rise by one, whoever reads it and wherever. Comment lines (`: …`) keep
 * the connection alive and mean nothing.
 *
 * A `POST` starts with `message`. `GET …/stream` goes on after the event it was told; where it was told none, or that one is too long ago, it starts
 * with `snapshot`. `shared/apply-chat-event.ts` folds them into the message. Exactly one
 * `done` or `error` ends the stream: a stream that closes without either was cut off, and the answer goes on: follow it
 * with `GET …/stream`, which answers 204 when the conversation has no answer to follow.
 */
export const ChatEvent = z.discriminatedUnion('type', [
  /** Both rows as stored; `userMessage` is null where nobody wrote one: on a retry, and when an answer goes on. */
  z.object({ type: z.literal('message'), conversation: Conversation, userMessage: Message.nullable(), message: Message }),
  /** The whole answer so far: replaces what the client has. */
  z.object({ type: z.literal('snapshot'), message: Message }),
  z.object({ type: z.literal('part'), part: MessagePart }),
  /** Goes to the end of the part's `text`, or of a tool call's `arguments`. */
  z.object({ type: z.literal('delta'), index: z.int(), text: z.string() }),
  /** Whether a tool call may run. */
  z.object({ type: z.literal('approval'), index: z.int(), approval: z.enum(['asked', 'allowed', 'denied']) }),
  z.object({ type: z.literal('part_done'), index: z.int(), completedAt: Timestamp }),
  /** What the provider counted; the cost comes with the final row. */
  z.object({ type: z.literal('usage'), inputTokens: z.int(), outputTokens: z.int(), cachedInputTokens: z.int(), reasoningTokens: z.int() }),
  /** The final rows: status `complete` or `aborted`. */
  z.object({ type: z.literal('done'), message: Message, conversation: Conversation }),
  /** The final rows: status `error`. */
  z.object({ type: z.literal('error'), message: Message, conversation: Conversation })
])
export type ChatEvent = z.infer<typeof ChatEvent>

/** The event stream of a temporary answer; `end` comes last, with the figures of the call where there was one. */
export const TemporaryEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('part'), part: MessagePart }),
  z.object({ type: z.literal('delta'), index: z.int(), text: z.string() }),
  z.object({ type: z.literal('part_done'), index: z.int(), completedAt: Timestamp }),
  z.object({ type: z.literal('usage'), inputTokens: z.int(), outputTokens: z.int(), cachedInputTokens: z.int(), reasoningTokens: z.int() }),
  z.object({
    type: z.literal('end'), error: z.object({ code: z.string(), message: z.string() }).nullable(),
    figures: z.object({
      provider: z.string().nullable(), model: z.string(), inputTokens: z.int(), outputTokens: z.int(), cachedInputTokens: z.int(), reasoningTokens: z.int(),
      costNanoUsd: NanoUsdText, latencyMs: z.int(), ttfbMs: z.int().nullable(), traceId: Id
    }).nullable()
  })
])
export type TemporaryEvent = z.infer<typeof TemporaryEvent>
