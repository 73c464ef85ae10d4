import { sendNoContent } from 'h3'
import { currentSession } from '../../../identity/current-session'
import { signOutDevice } from '../../../identity/sign-out-device'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member' }, async ({ event, principal, ip, runtime }) => {
  await currentSession(event, runtime, principal)
  await signOutDevice(runtime.db.orm, { principal, ip }, readId(event))
  return sendNoContent(event)
})
