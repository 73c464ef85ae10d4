import { setPlatformPolicy } from '../../policy/platform-policy'
import { defineApiHandler } from '../../utils/api-handler'
import { readJson, readVersion } from '../../utils/read-request'
import { PolicyDocument } from '../../../shared/policy'

export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) => {
  const { policy } = await readJson(event, PolicyDocument)
  return setPlatformPolicy(runtime.db.orm, { principal, ip }, policy, readVersion(event))
})
