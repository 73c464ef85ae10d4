import { and, desc, eq, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations, messageParts, messages } from '../../db/schema'
import { containsPattern } from '../projects/list-cursor'
import type { Scope } from '../projects/scope'
import type { SearchHit, SearchQuery, SearchResult } from '../../shared/search'
import { HIT_END, HIT_START } from '../../shared/search'
import { openConversations } from './select-conversations'

/** Of a word that is everywhere, only the newest occurrences are ranked. */
const RANKED_MAX = 300

/** As the index on `message_parts` has it. */
const words = sql`to_tsvector('simple', left(${messageParts.content} ->> 'text', 200000))`
const headline = `StartSel=${HIT_START}, StopSel=${HIT_END}, MaxWords=28, MinWords=12, MaxFragments=1`

/**
 * The conversations whose title or messages hold what is looked for, each with its best message and the words around the hit; titles first,
 * then by rank. Quotes, `or` and `-` work as on the web; the last word may be a beginning.
 */
export async function searchConversations(orm: Orm, scope: Scope, { q, projectId, limit }: SearchQuery): Promise<SearchResult> {
  const where = and(openConversations(scope), projectId === undefined ? undefined : eq(conversations.projectId, projectId))
  const [titles, texts] = [await findTitles(orm, where, q, limit), await findTexts(orm, scope.orgId, where, toQuery(q), limit)]
  const inTexts = new Map(texts.map(hit => [hit.conversationId, hit]))
  const inTitles = new Set(titles.map(hit => hit.conversationId))
  return { hits: [...titles.map(hit => inTexts.get(hit.conversationId) ?? hit), ...texts.filter(hit => !inTitles.has(hit.conversationId))].slice(0, limit) }
}

/** What somebody typed, as a search; null when nothing to look for is left of it. */
export function toQuery(text: string): SQL {
  const parsed = sql`websearch_to_tsquery('simple', ${text})`
  return sql`(case when numnode(${parsed}) > 0 then (${parsed}::text || ':*')::tsquery end)`
}

async function findTitles(orm: Orm, where: SQL | undefined, text: string, limit: number): Promise<SearchHit[]> {
  const rows = await orm.select({ conversationId: conversations.id, projectId: conversations.projectId, title: conversations.title, lastActiveAt: conversations.lastActiveAt })
    .from(conversations)
    .where(and(where, sql`${conversations.title} ilike ${containsPattern(text)}`))
    .orderBy(desc(conversations.lastActiveAt))
    .limit(limit)
  return rows.map(row => ({ ...row, lastActiveAt: row.lastActiveAt.toJSON(), messageId: null, snippet: null }))
}

async function findTexts(orm: Orm, orgId: string, where: SQL | undefined, query: SQL, limit: number): Promise<SearchHit[]> {
  const found = orm
    .select({
      conversationId: messages.conversationId, messageId: messages.id,
      rank: sql<number>`ts_rank(${words}, ${query})`.as('rank'), text: sql<string>`left(${messageParts.content} ->> 'text', 200000)`.as('text')
    })
    .from(messageParts)
    .innerJoin(messages, eq(messages.id, messageParts.messageId))
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(and(where, eq(messageParts.orgId, orgId), eq(messages.orgId, orgId), sql`${messageParts.type} = 'text'`, sql`${words} @@ ${query}`))
    .orderBy(desc(messages.id))
    .limit(RANKED_MAX)
    .as('found')
  const best = orm.selectDistinctOn([found.conversationId]).from(found).orderBy(found.conversationId, desc(found.rank), desc(found.messageId)).as('best')
  const rows = await orm
    .select({
      conversationId: conversations.id, projectId: conversations.projectId, title: conversations.title, lastActiveAt: conversations.lastActiveAt,
      messageId: best.messageId, snippet: sql<string>`ts_headline('simple', ${best.text}, ${query}, ${headline})`
    })
    .from(best)
    .innerJoin(conversations, eq(conversations.id, best.conversationId))
    .orderBy(desc(best.rank), desc(conversations.lastActiveAt))
    .limit(limit)
  return rows.map(row => ({ ...row, lastActiveAt: row.lastActiveAt.toJSON() }))
}
