import { sendNoContent } from 'h3'
import { markSeen } from '../../../chat/mark-seen'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member' }, async ({ event, principal, runtime }) => {
  await markSeen(runtime, principal, readId(event))
  return sendNoContent(event)
})
