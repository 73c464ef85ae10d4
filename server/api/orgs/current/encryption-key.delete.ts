import { deleteDataKey } from '../../../identity/delete-data-key'
import { defineApiHandler } from '../../../utils/api-handler'
import { readJson } from '../../../utils/read-request'
import { DeleteDataKey } from '../../../../shared/retention'

/** Makes the bodies of all the org's traces unreadable, for good. */
export default defineApiHandler({ access: 'member', role: 'owner', orgWide: true }, async ({ event, principal, ip, runtime }) =>
  deleteDataKey(runtime.db.orm, runtime.keyring, { principal, ip }, principal.orgId, await readJson(event, DeleteDataKey))
)
