import { getRetention } from '../../../traces/org-retention'
import { defineApiHandler } from '../../../utils/api-handler'

/** How long the org keeps its traces. */
export default defineApiHandler({ access: 'member', role: 'viewer' }, ({ principal, runtime }) => getRetention(runtime.db.orm, principal.orgId))
