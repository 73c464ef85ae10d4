import { sendNoContent } from 'h3'
import { deletePrice } from '../../../catalog/prices'
import { seeOwnChange } from '../../../catalog/see-own-change'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) => {
  await deletePrice(runtime.db.orm, { principal, ip }, readId(event))
  seeOwnChange(runtime, principal)
  return sendNoContent(event)
})
