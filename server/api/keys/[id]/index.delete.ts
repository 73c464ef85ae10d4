import { sendNoContent } from 'h3'
import { revokeKey } from '../../../keys/revoke-key'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, ip, runtime }) => {
  await revokeKey(runtime.db.orm, { principal, ip }, readId(event))
  return sendNoContent(event)
})
