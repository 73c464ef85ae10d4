import { listViews } from '../../../traces/saved-views'
import { defineApiHandler } from '../../../utils/api-handler'

export default defineApiHandler({ access: 'member', role: 'viewer' }, async ({ principal, runtime }) => ({ views: await listViews(runtime.db.orm, principal) }))
