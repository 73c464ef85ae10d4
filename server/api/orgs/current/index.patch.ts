import { updateOrg } from '../../../identity/update-org'
import { defineApiHandler } from '../../../utils/api-handler'
import { readJson, readVersion } from '../../../utils/read-request'
import { UpdateOrg } from '../../../../shared/identity'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) => {
  const change = await readJson(event, UpdateOrg)
  return updateOrg(runtime.db.orm, { principal, ip }, change, readVersion(event))
})
