import type { Runtime } from '../runtime'
import { deleteFiles } from './delete-files'

/** How long what was taken away can be brought back. */
const REMOVED_DAYS = 7
/** How long a draft may wait with its files. */
const UNSENT_DAYS = 90

/** Deletes files, of every org, that were removed a while ago or uploaded and never used. Safe on several replicas at once. */
export async function sweepFiles(runtime: Pick<Runtime, 'db' | 'fileStore' | 'log' | 'metrics'>): Promise<void> {
  await deleteFiles(runtime, `
    select id from files
     where sent_at is null and (removed_at < now() - $1 * interval '1 day' or (not in_project and created_at < now() - $2 * interval '1 day'))`, [REMOVED_DAYS, UNSENT_DAYS])
}
