import { sendNoContent } from 'h3'
import { stopAnswersIn } from '../../../chat/stop-answer'
import { deleteProject } from '../../../projects/delete-project'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, ip, runtime }) => {
  const id = readId(event)
  await deleteProject(runtime.db.orm, { principal, ip }, id)
  await stopAnswersIn(runtime.db, principal.orgId, id)
  return sendNoContent(event)
})
