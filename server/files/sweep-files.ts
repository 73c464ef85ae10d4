import type { Runtime } from '../runtime'
import { removeDiscardedBytes } from './discarded-bytes'

/** How long what was taken away can be brought back. */
const REMOVED_DAYS = 7
/** How long a draft may wait with its files. */
const UNSENT_DAYS = 90
const BATCH = 100

/** Deletes files, of every org, that were removed a while ago or uploaded and never used. Safe on several replicas at once. */
export async function sweepFiles(runtime: Pick<Runtime, 'db' | 'fileStore' | 'log' | 'metrics'>): Promise<void> {
  for (let swept = BATCH; swept === BATCH;) {
    const discarded = await runtime.db.query(`
      with gone as (
        delete from files where id in (
          select id from files
           where sent_at is null and (removed_at < now() - $1 * interval '1 day' or (not in_project and created_at < now() - $2 * interval '1 day'))
           limit ${BATCH} for update skip locked
        ) returning storage_key
      ) insert into discarded_bytes (storage_key) select storage_key from gone returning 1`, [REMOVED_DAYS, UNSENT_DAYS])
    swept = discarded.length
  }
  await removeDiscardedBytes(runtime)
}
