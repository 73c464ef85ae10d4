import { sendNoContent } from 'h3'
import { markSeen } from '../../../chat/mark-seen'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId, readJson } from '../../../utils/read-request'
import { MarkSeen } from '../../../../shared/conversations'

export default defineApiHandler({ access: 'member' }, async ({ event, principal, runtime }) => {
  await markSeen(runtime, principal, readId(event), await readJson(event, MarkSeen))
  return sendNoContent(event)
})
