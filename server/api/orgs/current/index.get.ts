import { getOrg } from '../../../identity/get-org'
import { defineApiHandler } from '../../../utils/api-handler'

export default defineApiHandler({ access: 'member' }, ({ principal, runtime }) => getOrg(runtime.db.orm, principal))
