import { sendNoContent } from 'h3'
import { seeOwnChange } from '../../catalog/see-own-change'
import { deleteConnection } from '../../connections/delete-connection'
import { defineApiHandler } from '../../utils/api-handler'
import { readId } from '../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) => {
  await deleteConnection(runtime.db.orm, { principal, ip }, readId(event))
  seeOwnChange(runtime, principal)
  return sendNoContent(event)
})
