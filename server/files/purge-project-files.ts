import { isPurgedProject } from '../projects/delete-project'
import type { Runtime } from '../runtime'
import { deleteFiles } from './delete-files'

/**
 * Deletes for good, in every org, the files of projects that were deleted a while ago, but for those that a conversation still shows: one
 * that was moved out of its project took its attachments along. Safe on several replicas at once.
 */
export async function purgeProjectFiles(runtime: Pick<Runtime, 'db' | 'fileStore' | 'log' | 'metrics'>): Promise<void> {
  await deleteFiles(runtime, `
    select files.id from projects join files on files.org_id = projects.org_id and files.project_id = projects.id
     where ${isPurgedProject} and not exists (select from message_parts where type in ('image', 'file') and content ->> 'fileId' = files.id::text)`)
}
