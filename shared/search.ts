import { z } from './zod'
import { Id, storableText, Timestamp } from './json'

/** Around each word that was found, in a snippet: characters that no text has, so that nothing of it can be taken for a mark. */
export const HIT_START = '\u0002'
export const HIT_END = '\u0003'

/** `GET /api/search` */
export const SearchQuery = z.object({
  q: storableText(200).trim().min(1),
  /** In this project alone. */
  projectId: Id.optional(),
  limit: z.coerce.number().int().min(1).max(50).default(20)
})
export type SearchQuery = z.infer<typeof SearchQuery>

export const SearchHit = z.object({
  conversationId: Id,
  projectId: Id,
  title: z.string(),
  lastActiveAt: Timestamp,
  /** The best message, when one holds the words: the page of the conversation shows it with `?message=`. */
  messageId: Id.nullable(),
  /** What stands around them in it, with `HIT_START` and `HIT_END` around each. */
  snippet: z.string().nullable()
})
export type SearchHit = z.infer<typeof SearchHit>

/** Answer of `GET /api/search`: a conversation once. */
export const SearchResult = z.object({ hits: z.array(SearchHit) })
export type SearchResult = z.infer<typeof SearchResult>
