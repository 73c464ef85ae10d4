import { sendNoContent } from 'h3'
import { updateUser } from '../../../../platform/update-user'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId, readJson, readVersion } from '../../../../utils/read-request'
import { UpdateUser } from '../../../../../shared/platform'

export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) => {
  await updateUser(runtime.db.orm, { principal, ip }, readId(event), await readJson(event, UpdateUser), readVersion(event))
  return sendNoContent(event)
})
