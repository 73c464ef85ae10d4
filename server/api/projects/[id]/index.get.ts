import { getProject } from '../../../projects/get-project'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member' }, ({ event, principal, runtime }) =>
  getProject(runtime.db.orm, principal, readId(event)))
