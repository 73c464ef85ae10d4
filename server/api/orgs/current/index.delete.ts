import { sendNoContent } from 'h3'
import { deleteOrg } from '../../../platform/delete-org'
import { defineApiHandler } from '../../../utils/api-handler'
import { readJson } from '../../../utils/read-request'
import { ConfirmOrg } from '../../../../shared/platform'

/** Softly: a platform admin can restore it. */
export default defineApiHandler({ access: 'member', role: 'owner', orgWide: true }, async ({ event, principal, ip, runtime }) => {
  const { confirm } = await readJson(event, ConfirmOrg)
  await deleteOrg(runtime.db.orm, { principal, ip }, principal.orgId, confirm)
  return sendNoContent(event)
})
