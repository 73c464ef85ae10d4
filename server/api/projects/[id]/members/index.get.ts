import { listProjectMembers } from '../../../../projects/project-members'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId } from '../../../../utils/read-request'

export default defineApiHandler({ access: 'member' }, ({ event, principal, runtime }) =>
  listProjectMembers(runtime.db.orm, principal, readId(event)))
