import { z } from './zod'
import { Conversation } from './conversations'
import { Id, NanoUsdText, Timestamp, storableText } from './json'
import { FEEDBACK_COMMENT_MAX } from './message-limits'

export const messageRoles = ['system', 'user', 'assistant', 'tool'] as const
/** `pending` and `streaming` are running; the others are final. */
export const messageStatuses = ['pending', 'streaming', 'complete', 'error', 'aborted'] as const
export const partTypes = ['text', 'reasoning', 'tool_call', 'tool_result', 'image', 'file', 'error'] as const

/** What the database counts to. */
const INT4_MAX = 2 ** 31 - 1
/** Far from that, so that an imported document can be gone on with. */
const ARTIFACT_VERSION_MAX = 1_000_000

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
  durationMs: z.int().min(0).max(INT4_MAX).optional(),
  /** The call came to nothing; `text` says why. */
  failed: z.boolean().optional(),
  /** The document it made: see `GET /api/conversations/{id}/artifacts`. */
  artifact: z.object({ path: z.string(), version: z.int().min(1).max(ARTIFACT_VERSION_MAX) }).optional()
})
export type ToolResultPart = z.infer<typeof ToolResultPart>
const AttachedFile = PartFields.extend({ fileId: Id, name: z.string(), mime: z.string(), sizeBytes: z.int() })
/** Given with a user's message, or made by an answer's model: `GET /api/files/{fileId}/content`. */
export const ImagePart = AttachedFile.extend({ type: z.literal('image') })
export type ImagePart = z.infer<typeof ImagePart>
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
export const GiveFeedback = z.strictObject({ rating: z.enum(feedbackRatings).nullable(), comment: storableText(FEEDBACK_COMMENT_MAX).trim().default('') })
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
  /** What the thread took of the model's window at its end: of an answer that called tools, the last of its calls. */
  contextTokens: z.int().nullable().default(null),
  /** Questions of the thread, with their answers, that an answer's model was not sent: the oldest, where the thread did not fit its window. */
  leftOutTurns: z.int().nullable().default(null),
  costNanoUsd: NanoUsdText.nullable(),
  latencyMs: z.int().nullable(),
  /** Milliseconds to the first byte of the answer. */
  ttfbMs: z.int().nullable(),
  /** Of its call: `/v1/traces/{traceId}`. */
  traceId: Id.nullable(),
  /** Set when `status` is `error`; `code` is one of the API's error codes, or `interrupted` when the process died, `length_limit` when the model had no more tokens for its words, `tool_limit` when it only called tools. */
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  createdAt: Timestamp,
  /** The reader's own. */
  feedback: Feedback.nullable().default(null),
  parts: z.array(MessagePart)
})
export type Message = z.infer<typeof Message>

/** `GET /api/conversations/{id}/messages`: the newest page; `before` = the last page's `nextCursor` for the one above it. */
export const MessageQuery = z.object({
  before: Id.optional(),
  /** The newest page of the newest branch through this message, in place of the shown branch; nothing changes for anybody. Not with `before`, which is on a branch already. */
  through: Id.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50)
})
export type MessageQuery = z.infer<typeof MessageQuery>

/** Also the answer of `POST /api/conversations/{id}/messages/{messageId}/show`, which shows everybody the newest branch through that message: 409 `conflict` while an answer is running. The conversation with messages of one branch, oldest first: all that opens it. `nextCursor` is null at the top of the thread. */
export const MessagePage = z.object({ conversation: Conversation, messages: z.array(Message), nextCursor: Id.nullable() })
export type MessagePage = z.infer<typeof MessagePage>
