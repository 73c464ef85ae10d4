import { setOrgPolicy } from '../../../policy/org-policy'
import { defineApiHandler } from '../../../utils/api-handler'
import { readJson, readVersion } from '../../../utils/read-request'
import { PolicyDocument } from '../../../../shared/policy'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) => {
  const { policy } = await readJson(event, PolicyDocument)
  return setOrgPolicy(runtime.db.orm, { principal, ip }, policy, readVersion(event))
})
