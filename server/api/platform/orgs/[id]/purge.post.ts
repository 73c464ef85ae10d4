import { sendNoContent } from 'h3'
import { purgeOrg } from '../../../../platform/purge-org'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId, readJson } from '../../../../utils/read-request'
import { ConfirmOrg } from '../../../../../shared/platform'

export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) => {
  const { confirm } = await readJson(event, ConfirmOrg)
  await purgeOrg(runtime, { principal, ip }, readId(event), confirm)
  return sendNoContent(event)
})
