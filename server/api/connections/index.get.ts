import { listConnections } from '../../connections/list-connections'
import { defineApiHandler } from '../../utils/api-handler'

export default defineApiHandler({ access: 'member' }, ({ principal, runtime }) => listConnections(runtime.db.orm, principal))
