import { deleteDataKey } from '../../../../identity/delete-data-key'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId, readJson } from '../../../../utils/read-request'
import { DeleteDataKey } from '../../../../../shared/retention'

/** The same for any org, by whoever runs this installation. */
export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) =>
  deleteDataKey(runtime.db.orm, runtime.keyring, { principal, ip }, readId(event), await readJson(event, DeleteDataKey))
)
