import { z } from './zod'
import { Conversation } from './conversations'
import { Id, Timestamp } from './json'

/** `GET /api/projects/{id}/changes` */
export const ChangesQuery = z.object({
  /** `lastActiveAt` of the newest conversation the reader knows: those that went on after it are told first. */
  since: Timestamp.optional(),
  /** Names the page that reads: what it has seen itself is not told to it. */
  page: Id.optional()
})
export type ChangesQuery = z.infer<typeof ChangesQuery>

/**
 * One server-sent event of the conversations of a project, archived ones included, framed as in `shared/chat-events.ts`. The stream is ended now and then,
 * so that what its reader may see is asked anew: they open another, and read the list again, for nothing is sent twice.
 */
export const ConversationChange = z.discriminatedUnion('type', [
  /** As it is now. */
  z.object({ type: z.literal('conversation'), conversation: Conversation }),
  /** It was deleted, or moved to another project. */
  z.object({ type: z.literal('gone'), conversationId: Id }),
  /** The reader has seen it, on another page of theirs. */
  z.object({ type: z.literal('seen'), conversationId: Id, seenAt: Timestamp })
])
export type ConversationChange = z.infer<typeof ConversationChange>
