import { z } from 'zod'
import type { Query } from '../../db/client'
import { removeBytes } from '../files/remove-bytes'
import type { Runtime } from '../runtime'

/** How long a deleted conversation can be brought back. */
const DELETED_DAYS = 30
const BATCH = 20

const Keys = z.array(z.object({ key: z.string() }))

/**
 * Deletes for good, in every org, the conversations that were deleted a while ago: their messages and, unless another conversation has
 * them too, the bytes of their documents and attachments. What they cost stays on the books. Safe on several replicas at once.
 */
export async function purgeConversations(runtime: Pick<Runtime, 'db' | 'fileStore' | 'log' | 'metrics'>): Promise<void> {
  for (let purged = BATCH; purged === BATCH;) {
    const { count, storageKeys } = await runtime.db.transaction(purgeBatch)
    await removeBytes(runtime, storageKeys)
    purged = count
  }
}

async function purgeBatch(query: Query): Promise<{ count: number, storageKeys: string[] }> {
  // The longest conversations take a while.
  await query(`select set_config('statement_timeout', '0', true)`)
  const ids = keysOf(await query(
    `select id::text as key from conversations where deleted_at < now() - $1 * interval '1 day' order by deleted_at limit ${BATCH} for update skip locked`, [DELETED_DAYS]
  ))
  if (ids.length === 0) return { count: 0, storageKeys: [] }
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
  return { count: ids.length, storageKeys: [...documents.filter(key => !shared.has(key)), ...files] }
}

const keysOf = (rows: unknown) => Keys.parse(rows).map(({ key }) => key)
