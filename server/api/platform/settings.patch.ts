import { updatePlatformSettings } from '../../identity/platform-settings'
import { defineApiHandler } from '../../utils/api-handler'
import { readJson, readVersion } from '../../utils/read-request'
import { UpdatePlatformSettings } from '../../../shared/identity'

export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) => {
  const change = await readJson(event, UpdatePlatformSettings)
  return updatePlatformSettings(runtime.db.orm, runtime.config, { principal, ip }, change, readVersion(event))
})
