import { sendNoContent } from 'h3'
import { deleteRule } from '../../../alerts/delete-rule'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) => {
  await deleteRule(runtime.db.orm, { principal, ip }, readId(event))
  return sendNoContent(event)
})
