import { sendNoContent } from 'h3'
import { deleteWebhook } from '../../../../alerts/delete-webhook'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId } from '../../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) => {
  await deleteWebhook(runtime.db.orm, { principal, ip }, readId(event))
  return sendNoContent(event)
})
