import { restoreFile } from '../../../files/remove-file'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'member' }, ({ event, principal, runtime }) =>
  restoreFile(runtime.db.orm, principal, readId(event)))
