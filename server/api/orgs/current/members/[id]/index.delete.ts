import { sendNoContent } from 'h3'
import { removeMember } from '../../../../../identity/remove-member'
import { defineApiHandler } from '../../../../../utils/api-handler'
import { readId } from '../../../../../utils/read-request'

export default defineApiHandler({ access: 'member', orgWide: true }, async ({ event, principal, ip, runtime }) => {
  await removeMember(runtime.db.orm, { principal, ip }, readId(event))
  return sendNoContent(event)
})
