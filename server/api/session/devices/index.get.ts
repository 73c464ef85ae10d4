import { currentSession } from '../../../identity/current-session'
import { listDevices } from '../../../identity/list-devices'
import { defineApiHandler } from '../../../utils/api-handler'

export default defineApiHandler({ access: 'member' }, async ({ event, principal, runtime }) =>
  listDevices(runtime.db.orm, await currentSession(event, runtime, principal)))
