import { getKey } from '../../../keys/get-key'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'member' }, ({ event, principal, runtime }) =>
  getKey(runtime.db.orm, principal, readId(event)))
