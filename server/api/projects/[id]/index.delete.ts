import { sendNoContent } from 'h3'
import { deleteProject } from '../../../projects/delete-project'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, ip, runtime }) => {
  await deleteProject(runtime.db.orm, { principal, ip }, readId(event))
  return sendNoContent(event)
})
