import { restoreProject } from '../../../projects/delete-project'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'member' }, ({ event, principal, ip, runtime }) =>
  restoreProject(runtime.db.orm, { principal, ip }, readId(event)))
