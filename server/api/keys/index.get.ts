import { listKeys } from '../../keys/list-keys'
import { defineApiHandler } from '../../utils/api-handler'

export default defineApiHandler({ access: 'member', role: 'member' }, ({ principal, runtime }) => listKeys(runtime.db.orm, principal))
