import { describeSso, removeSso } from '../../../identity/sso-settings'
import { defineApiHandler } from '../../../utils/api-handler'

export default defineApiHandler({ access: 'platform-admin' }, async ({ principal, ip, runtime }) => {
  await removeSso(runtime.db.orm, { principal, ip })
  return describeSso(runtime.db.orm, runtime.config)
})
