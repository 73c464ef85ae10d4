import { requireProvider } from '../../../identity/require-provider'
import { describeSso, setSso } from '../../../identity/sso-settings'
import { defineApiHandler } from '../../../utils/api-handler'
import { readJson, readVersion } from '../../../utils/read-request'
import { SetSso } from '../../../../shared/sso'

export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) => {
  const settings = await readJson(event, SetSso)
  const { sso } = await describeSso(runtime.db.orm, runtime.config)
  if (settings.issuer !== sso?.issuer) await requireProvider(settings.issuer)
  await setSso(runtime.db.orm, runtime.keyring, { principal, ip }, settings, readVersion(event))
  return describeSso(runtime.db.orm, runtime.config)
})
