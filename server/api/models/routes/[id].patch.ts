import { updateRoute } from '../../../catalog/update-route'
import { seeOwnChange } from '../../../catalog/see-own-change'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId, readJson, readVersion } from '../../../utils/read-request'
import { UpdateModelRoute } from '../../../../shared/model-routes'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) => {
  const id = readId(event)
  const change = await readJson(event, UpdateModelRoute)
  const updated = await updateRoute(runtime.db.orm, { principal, ip }, id, change, readVersion(event))
  seeOwnChange(runtime, principal)
  return updated
})
