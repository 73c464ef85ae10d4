import { and, desc, eq, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations, messageParts, messages } from '../../db/schema'
import { UNSPACED_CHARACTER, unspacedCharacters } from '../../db/unspaced-scripts'
import { containsPattern } from '../projects/list-cursor'
import type { Scope } from '../projects/scope'
import type { SearchHit, SearchQuery, SearchResult } from '../../shared/search'
import { HIT_END, HIT_START } from '../../shared/search'
import { openConversations } from './select-conversations'

/** Of a word that is everywhere, only the newest occurrences are ranked. */
const RANKED_MAX = 300

/** Of a title or text that holds what was typed within a word alone: more than a word somewhere in a message. */
const WITHIN_WORDS_RANK = 0.1

/** Of a text, what is searched. */
const searched = sql<string>`left(${messageParts.content} ->> 'text', 200000)`
/** As the index on `message_parts` has it. */
const words = sql`to_tsvector('simple', ${searched})`
/** The same of the index on characters, and of which texts it holds. */
const characters = sql`to_tsvector('simple', ${sql.raw(unspacedCharacters('left("message_parts"."content" ->> \'text\', 200000)'))})`
const hasCharacters = sql`${messageParts.content} ->> 'text' ~ ${sql.raw(`'${UNSPACED_CHARACTER}'`)}`
/** Characters of a snippet, and how many of them stand before the hit. */
const [AROUND, AROUND_BEFORE] = [120, 30]
const headline = `StartSel=${HIT_START}, StopSel=${HIT_END}, MaxWords=28, MinWords=12, MaxFragments=1`

interface RankedHit extends SearchHit {
  /** From 0 to 1. */
  rank: number
  /** Whether its title holds the words. */
  isTitled: boolean
}

/**
 * The conversations whose title or messages hold what is looked for, each with its best message and the words around the hit: first those whose
 * title holds the words, then by the rank of title and message together, then the newest. Quotes, `or` and `-` work as on the web; the last word
 * may be a beginning. What stands within a word is found in titles, and in texts where a language puts no spaces between words.
 */
export async function searchConversations(orm: Orm, scope: Scope, { q, projectId, limit }: SearchQuery): Promise<SearchResult> {
  const where = and(openConversations(scope), projectId === undefined ? undefined : eq(conversations.projectId, projectId))
  const query = toQuery(q)
  const [titles, texts] = [await findTitles(orm, where, q, query, limit), isWithin(q) ? await findWithin(orm, scope.orgId, where, q, limit) : await findTexts(orm, scope.orgId, where, query, limit)]
  const found = new Map<string, RankedHit>(titles.map(hit => [hit.conversationId, hit]))
  for (const hit of texts) {
    const titled = found.get(hit.conversationId)
    found.set(hit.conversationId, titled ? { ...hit, isTitled: titled.isTitled, rank: titled.rank + hit.rank } : hit)
  }
  return { hits: [...found.values()].sort(compareHits).slice(0, limit).map(({ rank: _, isTitled: __, ...hit }) => hit) }
}

function compareHits(one: RankedHit, other: RankedHit): number {
  return Number(other.isTitled) - Number(one.isTitled) || other.rank - one.rank || (other.lastActiveAt > one.lastActiveAt ? 1 : -1)
}

/** What somebody typed, as a search; null when nothing to look for is left of it, or only what is not wanted. */
export function toQuery(text: string): SQL {
  const parsed = sql`websearch_to_tsquery('simple', ${text})`
  // What ends with words in their order that are not wanted ends with a bracket.
  return sql`(case when querytree(${parsed}) in ('', 'T') then null when ${parsed}::text like '%)' then ${parsed} else (${parsed}::text || ':*')::tsquery end)`
}

async function findTitles(orm: Orm, where: SQL | undefined, text: string, query: SQL, limit: number): Promise<RankedHit[]> {
  // A title that holds the words holds one of these pieces of them: cheaper to see than to read the words of every title. Those of the titles that do are
  // read once, and count ten times those of a message.
  const pieces = text.match(/[\p{L}\p{N}]+/gu) ?? []
  const titled = sql`lateral (
    select case when ${query} is not null and ${conversations.title} ~* ${pieces.join('|')} then setweight(to_tsvector('simple', ${conversations.title}), 'A') end as words offset 0
  ) as titled`
  const isTitled = sql<boolean>`coalesce(titled.words @@ ${query}, false)`
  const rank = sql<number>`case when titled.words @@ ${query} then ts_rank(titled.words, ${query}) else ${WITHIN_WORDS_RANK}::real end`
  const rows = await orm
    .select({ conversationId: conversations.id, projectId: conversations.projectId, title: conversations.title, lastActiveAt: conversations.lastActiveAt, isTitled, rank })
    .from(conversations)
    .innerJoin(titled, sql`true`)
    .where(and(where, or(sql`${conversations.title} ilike ${containsPattern(text)}`, isTitled)))
    .orderBy(desc(isTitled), desc(rank), desc(conversations.lastActiveAt))
    .limit(limit)
  return rows.map(row => ({ ...row, lastActiveAt: row.lastActiveAt.toJSON(), messageId: null, snippet: null }))
}

/** The letters of scripts without spaces in it: not their signs, of which a database may make no words. */
const unspacedLetters = (q: string) => q.match(new RegExp(UNSPACED_CHARACTER, 'g'))?.filter(character => /\p{L}/u.test(character)) ?? []

/** Whether something of it has no spaces around, and none of it is more than words. */
function isWithin(q: string): boolean {
  return unspacedLetters(q).length > 0 && !/"|(?:^|\s)-|\sor\s/i.test(q)
}

/** Texts that hold each word as it stands, between other letters too: among those with all of its characters, which the index knows. */
async function findWithin(orm: Orm, orgId: string, where: SQL | undefined, q: string, limit: number): Promise<RankedHit[]> {
  const terms = q.split(/\s+/)
  const looked = unspacedLetters(q).join(' ')
  const found = orm
    .select({ conversationId: messages.conversationId, messageId: messages.id, text: searched.as('text') })
    .from(messageParts)
    .innerJoin(messages, eq(messages.id, messageParts.messageId))
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(and(
      where, eq(messageParts.orgId, orgId), eq(messages.orgId, orgId), sql`${messageParts.type} = 'text'`, hasCharacters,
      sql`${characters} @@ plainto_tsquery('simple', ${looked})`, ...terms.map(term => sql`${searched} ilike ${containsPattern(term)}`)
    ))
    .orderBy(desc(messages.id))
    .limit(RANKED_MAX)
    .as('found')
  const best = orm.selectDistinctOn([found.conversationId]).from(found).orderBy(found.conversationId, desc(found.messageId)).as('best')
  const rows = await orm
    .select({
      conversationId: conversations.id, projectId: conversations.projectId, title: conversations.title, lastActiveAt: conversations.lastActiveAt,
      messageId: best.messageId, around: sql<string>`substr(${best.text}, greatest(1, strpos(lower(${best.text}), lower(${terms[0]})) - ${AROUND_BEFORE}), ${AROUND})`
    })
    .from(best)
    .innerJoin(conversations, eq(conversations.id, best.conversationId))
    .orderBy(desc(conversations.lastActiveAt))
    .limit(limit)
  const hits = new RegExp(terms.map(term => term.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'), 'giu')
  return rows.map(({ around, ...row }) => ({ ...row, lastActiveAt: row.lastActiveAt.toJSON(), isTitled: false, rank: WITHIN_WORDS_RANK, snippet: around.replace(hits, `${HIT_START}$&${HIT_END}`) }))
}

async function findTexts(orm: Orm, orgId: string, where: SQL | undefined, query: SQL, limit: number): Promise<RankedHit[]> {
  const found = orm
    .select({
      conversationId: messages.conversationId, messageId: messages.id,
      rank: sql<number>`ts_rank(${words}, ${query})`.as('rank'), text: searched.as('text')
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
      messageId: best.messageId, rank: best.rank, snippet: sql<string>`ts_headline('simple', ${best.text}, ${query}, ${headline})`
    })
    .from(best)
    .innerJoin(conversations, eq(conversations.id, best.conversationId))
    .orderBy(desc(best.rank), desc(conversations.lastActiveAt))
    .limit(limit)
  return rows.map(row => ({ ...row, lastActiveAt: row.lastActiveAt.toJSON(), isTitled: false }))
}
