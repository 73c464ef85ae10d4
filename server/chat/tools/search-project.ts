import { and, desc, eq, isNull, sql } from 'drizzle-orm'
import { z } from 'zod'
import { files } from '../../../db/schema'
import { HIT_END, HIT_START } from '../../../shared/search'
import { searchConversations, toQuery } from '../search-conversations'
import type { ToolPlace } from '../tool'
import { defineTool } from '../tool'

const HITS = 8
const headline = `StartSel=${HIT_START}, StopSel=${HIT_END}, MaxWords=60, MinWords=30, MaxFragments=3`

export default defineTool({
  name: 'search_project',
  description: 'Searches the files and the earlier conversations of this project for words. Use it when the question may have been answered or documented here before.',
  input: z.object({ query: z.string().min(1).max(200).describe('The words to look for; a few significant ones.') }),
  timeoutMs: 15_000,
  run: async ({ query }, place) => {
    const { runtime: { db: { orm } }, scope, projectId } = place
    const [inFiles, { hits }] = [await searchFiles(place, query), await searchConversations(orm, scope, { q: query, projectId, limit: HITS })]
    const found = [
      ...inFiles.map(({ name, snippet }) => `File “${name}”: ${unmarked(snippet)}`),
      ...hits.map(({ title, snippet }) => `Conversation “${title || 'Untitled'}”: ${unmarked(snippet ?? '')}`)
    ]
    return { text: found.length === 0 ? 'Nothing was found.' : found.join('\n\n') }
  }
})

const unmarked = (snippet: string) => snippet.replaceAll(HIT_START, '').replaceAll(HIT_END, '')

/** As the index on `files` has it. */
const words = sql`to_tsvector('simple', ${files.name} || ' ' || coalesce(${files.beginning}, ''))`

async function searchFiles({ runtime: { db: { orm } }, orgId, projectId }: ToolPlace, query: string): Promise<{ name: string, snippet: string }[]> {
  const wanted = toQuery(query)
  return orm
    .select({ name: files.name, snippet: sql<string>`ts_headline('simple', coalesce(${files.beginning}, ''), ${wanted}, ${headline})` })
    .from(files)
    .where(and(eq(files.orgId, orgId), eq(files.projectId, projectId), eq(files.inProject, true), isNull(files.removedAt), sql`${words} @@ ${wanted}`))
    .orderBy(desc(sql`ts_rank(${words}, ${wanted})`))
    .limit(HITS)
}
