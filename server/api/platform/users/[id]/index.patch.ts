import { updateUser } from '../../../../platform/update-user'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId, readJson, readVersion } from '../../../../utils/read-request'
import { UpdateUser } from '../../../../../shared/platform'

export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) =>
  updateUser(runtime.db.orm, { principal, ip }, readId(event), await readJson(event, UpdateUser), readVersion(event)))
