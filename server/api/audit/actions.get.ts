import { listActions } from '../../audit/list-entries'
import { defineApiHandler } from '../../utils/api-handler'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ principal, runtime }) => ({ actions: await listActions(runtime.db.orm, principal.orgId) }))
