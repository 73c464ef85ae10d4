import { describeSso } from '../../../identity/sso-settings'
import { defineApiHandler } from '../../../utils/api-handler'

export default defineApiHandler({ access: 'platform-admin' }, ({ runtime }) => describeSso(runtime.db.orm, runtime.config))
