import { saveView } from '../../../traces/saved-views'
import { defineApiHandler } from '../../../utils/api-handler'
import { readJson } from '../../../utils/read-request'
import { SaveView } from '../../../../shared/traces'

/** Their own affair, so every member may. */
export default defineApiHandler({ access: 'member', role: 'viewer' }, async ({ event, principal, runtime }) =>
  saveView(runtime.db.orm, principal, await readJson(event, SaveView))
)
