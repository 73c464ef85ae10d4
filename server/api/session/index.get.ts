import { describeSession } from '../../identity/describe-session'
import { defineApiHandler } from '../../utils/api-handler'

export default defineApiHandler({ access: 'public' }, ({ principal, runtime }) => describeSession(runtime.db.orm, runtime.config, principal))
