import { getOrgPolicy } from '../../../policy/org-policy'
import { defineApiHandler } from '../../../utils/api-handler'

export default defineApiHandler({ access: 'member' }, ({ principal, runtime }) => getOrgPolicy(runtime.db.orm, principal.orgId))
