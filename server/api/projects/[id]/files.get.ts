import { listProjectFiles } from '../../../files/list-project-files'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member' }, ({ event, principal, runtime }) =>
  listProjectFiles(runtime.db.orm, principal, readId(event)))
