import { sendNoContent } from 'h3'
import { currentSession } from '../../../identity/current-session'
import { signOutElsewhere } from '../../../identity/sign-out-device'
import { defineApiHandler } from '../../../utils/api-handler'

/** Everywhere but here. */
export default defineApiHandler({ access: 'member' }, async ({ event, principal, ip, runtime }) => {
  await signOutElsewhere(runtime.db.orm, { principal, ip }, await currentSession(event, runtime, principal))
  return sendNoContent(event)
})
