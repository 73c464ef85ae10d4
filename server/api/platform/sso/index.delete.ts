import { describeSso, removeSso } from '../../../identity/sso-settings'
import { defineApiHandler } from '../../../utils/api-handler'
import { readVersion } from '../../../utils/read-request'

export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) => {
  await removeSso(runtime.db.orm, { principal, ip }, readVersion(event))
  return describeSso(runtime.db.orm, runtime.config)
})
