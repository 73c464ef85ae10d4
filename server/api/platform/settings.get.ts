import { getPlatformSettings } from '../../identity/platform-settings'
import { defineApiHandler } from '../../utils/api-handler'

export default defineApiHandler({ access: 'platform-admin' }, ({ runtime }) => getPlatformSettings(runtime.db.orm, runtime.config))
