import { sendNoContent } from 'h3'
import { restoreOrg } from '../../../../platform/delete-org'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId } from '../../../../utils/read-request'

export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) => {
  await restoreOrg(runtime.db.orm, { principal, ip }, readId(event))
  return sendNoContent(event)
})
