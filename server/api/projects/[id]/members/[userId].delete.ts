import { sendNoContent } from 'h3'
import { removeProjectMember } from '../../../../projects/project-members'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId } from '../../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, ip, runtime }) => {
  await removeProjectMember(runtime.db.orm, { principal, ip }, readId(event), readId(event, 'userId'))
  return sendNoContent(event)
})
