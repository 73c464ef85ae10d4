import { sendNoContent } from 'h3'
import { deleteRoute } from '../../../catalog/delete-route'
import { seeOwnChange } from '../../../catalog/see-own-change'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) => {
  await deleteRoute(runtime.db.orm, { principal, ip }, readId(event))
  seeOwnChange(runtime, principal)
  return sendNoContent(event)
})
