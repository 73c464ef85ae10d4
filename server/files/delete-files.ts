import type { Runtime } from '../runtime'
import { removeDiscardedBytes } from './discarded-bytes'

const BATCH = 100

/**
 * Deletes files for good, a batch at a time. Safe on several replicas at once.
 * @param chosen a query for the ids of `files` to delete, of any org
 */
export async function deleteFiles(runtime: Pick<Runtime, 'db' | 'fileStore' | 'log' | 'metrics'>, chosen: string, parameters: unknown[] = []): Promise<void> {
  for (let deleted = BATCH; deleted === BATCH;) {
    const discarded = await runtime.db.query(`
      with gone as (
        delete from files where id in (${chosen} limit ${BATCH} for update of files skip locked) returning storage_key
      ) insert into discarded_bytes (storage_key) select storage_key from gone returning 1`, parameters)
    deleted = discarded.length
  }
  await removeDiscardedBytes(runtime)
}
