import { sendNoContent } from 'h3'
import { reportFailure } from '../../../chat/report-failure'
import { stopAnswersIn } from '../../../chat/stop-answer'
import { deleteProject } from '../../../projects/delete-project'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, ip, runtime }) => {
  const id = readId(event)
  await deleteProject(runtime.db.orm, { principal, ip }, id)
  // It is deleted: a repeat would find nothing.
  await stopAnswersIn(runtime.db, principal.orgId, id).catch((error: unknown) => reportFailure(runtime, 'chat_stop', error, { orgId: principal.orgId, projectId: id }))
  return sendNoContent(event)
})
