import { getPlatformPolicy } from '../../policy/platform-policy'
import { defineApiHandler } from '../../utils/api-handler'

export default defineApiHandler({ access: 'platform-admin' }, ({ runtime }) => getPlatformPolicy(runtime.db.orm))
