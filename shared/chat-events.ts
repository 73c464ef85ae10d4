import { z } from './zod'
import { Conversation } from './conversations'
import { Id, Timestamp } from './json'
import { Message, MessagePart } from './messages'

/** `GET /api/conversations/{id}/stream` */
export const FollowQuery = z.object({
  /** The last event id the client saw: the stream goes on after it. 0, or without the header `Last-Event-ID` in its place: from the beginning. */
  after: z.coerce.number().int().min(0).default(0),
  /** The message that event was of. When another one is being written by now, it is sent from its beginning. */
  message: Id.optional()
})
export type FollowQuery = z.infer<typeof FollowQuery>

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
