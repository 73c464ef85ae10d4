import { listPrices } from '../../../catalog/prices'
import { defineApiHandler } from '../../../utils/api-handler'

export default defineApiHandler({ access: 'member' }, ({ principal, runtime }) => listPrices(runtime.db.orm, principal.orgId))
