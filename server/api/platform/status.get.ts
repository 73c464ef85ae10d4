import { getStatus } from '../../platform/get-status'
import { defineApiHandler } from '../../utils/api-handler'

export default defineApiHandler({ access: 'platform-admin' }, ({ runtime }) => getStatus(runtime))
