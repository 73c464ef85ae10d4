import postgres from 'postgres'
import { v7 as uuidv7 } from 'uuid'

export interface SeededConversation { id: string, projectId: string, lastMessageId: string }

const BATCH = 2_000

const paragraph = 'The loom is warped before the first thread goes through it, and the pattern lies in the order of the lifts. '
const code = '```ts\nexport function weave(warp: Thread[], pattern: Pattern): Cloth {\n  const cloth = new Cloth(warp.length)\n  for (const lift of pattern.lifts) {\n    cloth.add(lift.map(index => warp[index] ?? fail(`no thread ${index}`)))\n  }\n  return cloth\n}\n```'
const table = '| Thread | Count | Cost |\n|---|---:|---:|\n| Linen | 1,200 | 3.10 |\n| Wool | 800 | 4.75 |\n| Silk | 60 | 19.00 |'

/** What people and models write in long conversations: mostly prose, often code, now and then a table, a list, a picture. */
function textOf(turn: number, role: string): string {
  if (role === 'user') return `Question ${turn}: what comes after lift ${turn % 17}?`
  const extra = [code, '', table, '', `- first\n- second\n- third, with **weight** and \`code\``, '', `![Pattern](https://pictures.example/${turn}.png)`, ''][turn % 8] ?? ''
  return `${paragraph.repeat(1 + turn % 4)}\n\n${extra}\n\n${paragraph}`
}

/** A conversation of that many messages in the org's first project, written straight into the database. Each eighth turn has code, beginning with the first of all. */
export async function seedConversation(databaseUrl: string, count: number, { firstTurn = 0 } = {}): Promise<SeededConversation> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined })
  const [project] = await sql`select id, org_id, created_by from projects order by id limit 1`
  if (!project) throw new Error('There is no project yet')
  const id = uuidv7()
  await sql`insert into conversations (id, org_id, project_id, user_id, title) values (${id}, ${project.org_id}, ${project.id}, ${project.created_by}, ${`${count} messages`})`
  let parent: string | null = null
  for (let from = 0; from < count; from += BATCH) {
    const rows = Array.from({ length: Math.min(BATCH, count - from) }, (_, index) => {
      const place = from + index
      const role = place % 2 === 0 ? 'user' : 'assistant'
      const message = { id: uuidv7(), parent, role, text: textOf(firstTurn + Math.floor(place / 2), role) }
      parent = message.id
      return message
    })
    await sql`with entry as (select * from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as entry(id uuid, parent uuid, role text, text text))
      insert into messages (id, org_id, conversation_id, parent_id, role, status, model, input_tokens, output_tokens, cost, latency_ms, ttfb_ms)
      select id, ${project.org_id}, ${id}, parent, role, 'complete', case role when 'assistant' then 'brief' end, 812, 230, 4330000, 1900, 310 from entry order by id`
    await sql`with entry as (select * from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as entry(id uuid, text text))
      insert into message_parts (id, org_id, message_id, index, type, content, completed_at) select gen_random_uuid(), ${project.org_id}, id, 0, 'text', jsonb_build_object('text', text), now() from entry`
  }
  await sql`update conversations set shown_message_id = ${parent} where id = ${id}`
  await sql.end()
  return { id, projectId: String(project.id), lastMessageId: String(parent) }
}

/** Fills the tables with `count` messages of other conversations, a hundred each, and vacuums them, lest that begins while they are measured. */
export async function fillTables(databaseUrl: string, count: number): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined })
  await sql`insert into conversations (id, org_id, project_id, title, last_active_at)
    select gen_random_uuid(), org_id, id, 'filler', now() - interval '1 year' from (select id, org_id from projects order by id limit 1) project, generate_series(1, ${Math.ceil(count / 100)}::int)`
  await sql`insert into messages (id, org_id, conversation_id, role, status)
    select gen_random_uuid(), org_id, id, 'user', 'complete' from conversations, generate_series(1, 100) where title = 'filler'`
  await sql`insert into message_parts (id, org_id, message_id, index, type, content, completed_at)
    select gen_random_uuid(), messages.org_id, messages.id, 0, 'file', '{}', now() from messages join conversations on conversations.id = conversation_id where title = 'filler'`
  await sql`vacuum analyze conversations, messages, message_parts`
  await sql.end()
}
