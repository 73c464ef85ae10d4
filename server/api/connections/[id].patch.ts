import { seeOwnChange } from '../../catalog/see-own-change'
import { updateConnection } from '../../connections/update-connection'
import { defineApiHandler } from '../../utils/api-handler'
import { readId, readJson, readVersion } from '../../utils/read-request'
import { UpdateConnection } from '../../../shared/connections'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) => {
  const id = readId(event)
  const change = await readJson(event, UpdateConnection)
  const updated = await updateConnection(runtime.db.orm, runtime.keyring, { principal, ip }, id, change, readVersion(event))
  seeOwnChange(runtime, principal)
  return updated
})
