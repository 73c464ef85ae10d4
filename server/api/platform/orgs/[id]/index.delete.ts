import { sendNoContent } from 'h3'
import { deleteOrg } from '../../../../platform/delete-org'
import { requireElsewhere } from '../../../../platform/lock-org'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId } from '../../../../utils/read-request'

export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) => {
  const id = readId(event)
  requireElsewhere({ principal }, id)
  await deleteOrg(runtime.db.orm, { principal, ip }, id)
  return sendNoContent(event)
})
