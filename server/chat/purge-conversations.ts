import { z } from 'zod'
import type { Query } from '../../db/client'
import { discardBytes, removeDiscardedBytes } from '../files/discarded-bytes'
import { isPurgedProject } from '../projects/delete-project'
import type { Runtime } from '../runtime'

/** How long a deleted conversation can be brought back. */
const DELETED_DAYS = 30
const BATCH = 20

const Keys = z.array(z.object({ key: z.string() }))
const Answer = z.object({ answer: z.boolean() })

/**
 * Deletes for good, in every org, the conversations that were deleted a while ago, by themselves or with their project: their messages and,
 * unless another conversation has them too, the bytes of their documents and attachments. What they cost stays on the books. Of several
 * replicas one does it, the others leave it to that one.
 */
export async function purgeConversations(runtime: Pick<Runtime, 'db' | 'fileStore' | 'log' | 'metrics'>): Promise<void> {
  for (let purged = BATCH; purged === BATCH;) {
    purged = await runtime.db.transaction(purgeBatch)
  }
  await removeDiscardedBytes(runtime)
}

/** @returns how many went */
async function purgeBatch(query: Query): Promise<number> {
  const ids = await isAlone(query) ? await findDeleted(query) : []
  if (ids.length === 0) return 0
  // The longest conversations take a while.
  await query(`select set_config('statement_timeout', '0', true)`)
  const documents = keysOf(await query('select distinct storage_key as key from artifacts where conversation_id = any($1::uuid[])', [ids]))
  const attached = keysOf(await query(
    `select distinct content ->> 'fileId' as key from message_parts join messages on messages.id = message_id
      where conversation_id = any($1::uuid[]) and type in ('image', 'file') and content ->> 'fileId' is not null`, [ids]
  ))
  await query('delete from conversations where id = any($1::uuid[])', [ids])
  const shared = new Set(keysOf(await query('select storage_key as key from artifacts where storage_key = any($1::text[])', [documents])))
  const files = keysOf(await query(
    `delete from files where id = any($1::uuid[]) and not in_project
      and not exists (select from message_parts where type in ('image', 'file') and content ->> 'fileId' = files.id::text)
      returning storage_key as key`, [attached]
  ))
  await discardBytes(query, [...documents.filter(key => !shared.has(key)), ...files])
  return ids.length
}

/** Two that purge at once would each take the other's conversations for ones that still show what both have: its bytes would stay for ever. */
async function isAlone(query: Query): Promise<boolean> {
  const [row] = await query(`select pg_try_advisory_xact_lock(hashtext('loom:purge-conversations')) as answer`)
  return Answer.parse(row).answer
}

async function findDeleted(query: Query): Promise<string[]> {
  return keysOf(await query(`
    select id::text as key from conversations where id in (
      (select id from conversations where deleted_at < now() - $1 * interval '1 day' order by deleted_at limit ${BATCH})
      union
      (select conversations.id from projects join conversations on conversations.org_id = projects.org_id and conversations.project_id = projects.id where ${isPurgedProject} limit ${BATCH})
    ) limit ${BATCH} for update skip locked`, [DELETED_DAYS]
  ))
}

const keysOf = (rows: unknown) => Keys.parse(rows).map(({ key }) => key)
