import { sendNoContent } from 'h3'
import { signOutUser } from '../../../../platform/sign-out-user'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId } from '../../../../utils/read-request'

/** Wherever they are logged in. */
export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) => {
  await signOutUser(runtime.db.orm, { principal, ip }, readId(event))
  return sendNoContent(event)
})
