import { listRoutes } from '../../../catalog/list-routes'
import { defineApiHandler } from '../../../utils/api-handler'

export default defineApiHandler({ access: 'member' }, ({ principal, runtime }) => listRoutes(runtime.db.orm, principal))
