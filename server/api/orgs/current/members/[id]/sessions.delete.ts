import { sendNoContent } from 'h3'
import { signOutMember } from '../../../../../identity/sign-out-member'
import { defineApiHandler } from '../../../../../utils/api-handler'
import { readId } from '../../../../../utils/read-request'

/** Wherever they are logged in. */
export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) => {
  await signOutMember(runtime.db.orm, { principal, ip }, readId(event))
  return sendNoContent(event)
})
