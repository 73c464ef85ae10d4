import { z } from 'zod'
import type { Query } from '../../db/client'
import type { Runtime } from '../runtime'

const BATCH = 100

const Keys = z.array(z.object({ key: z.string() }))

/** In the transaction that deletes the rows: their bytes go once it is committed, whatever becomes of this process. */
export async function discardBytes(query: Query, storageKeys: readonly string[]): Promise<void> {
  await query('insert into discarded_bytes (storage_key) select unnest($1::text[]) on conflict do nothing', [storageKeys])
}

/**
 * Removes what was discarded, in every org, here or by a process that died before it came to this. What cannot be removed is only waste: it is
 * logged and counted, holds nothing up, and is tried again the next time. Safe on several replicas at once.
 */
export async function removeDiscardedBytes({ db, fileStore, log, metrics }: Pick<Runtime, 'db' | 'fileStore' | 'log' | 'metrics'>): Promise<void> {
  for (let last: string | undefined = ''; last !== undefined;) {
    const keys: string[] = Keys.parse(await db.query(`select storage_key as key from discarded_bytes where storage_key > $1 order by storage_key limit ${BATCH}`, [last])).map(({ key }) => key)
    const removed: string[] = []
    for (const storageKey of keys) {
      try {
        await fileStore.remove(storageKey)
        removed.push(storageKey)
      } catch (error) {
        metrics.failures.inc({ what: 'purge_files' })
        log.error({ err: error, storageKey }, 'The bytes of something purged could not be removed; it is tried again')
      }
    }
    await db.query('delete from discarded_bytes where storage_key = any($1::text[])', [removed])
    // A store that removes nothing is away.
    last = removed.length > 0 ? keys.at(-1) : undefined
  }
}
