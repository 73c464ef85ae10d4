import { isPurgedProject } from '../projects/delete-project'
import type { Runtime } from '../runtime'
import { removeDiscardedBytes } from './discarded-bytes'

const BATCH = 100

/**
 * Deletes for good, in every org, the files of projects that were deleted a while ago, but for those that a conversation still shows: one
 * that was moved out of its project took its attachments along. Safe on several replicas at once.
 */
export async function purgeProjectFiles(runtime: Pick<Runtime, 'db' | 'fileStore' | 'log' | 'metrics'>): Promise<void> {
  for (let purged = BATCH; purged === BATCH;) {
    const discarded = await runtime.db.query(`
      with gone as (
        delete from files where id in (
          select files.id from projects join files on files.org_id = projects.org_id and files.project_id = projects.id
           where ${isPurgedProject} and not exists (select from message_parts where type in ('image', 'file') and content ->> 'fileId' = files.id::text)
           limit ${BATCH} for update of files skip locked
        ) returning storage_key
      ) insert into discarded_bytes (storage_key) select storage_key from gone returning 1`)
    purged = discarded.length
  }
  await removeDiscardedBytes(runtime)
}
