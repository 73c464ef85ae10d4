import { sendNoContent } from 'h3'
import { setOrgStatus } from '../../../../platform/set-org-status'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId, readJson } from '../../../../utils/read-request'
import { UpdateOrgStatus } from '../../../../../shared/platform'

export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) => {
  const { status } = await readJson(event, UpdateOrgStatus)
  await setOrgStatus(runtime.db.orm, { principal, ip }, readId(event), status)
  return sendNoContent(event)
})
