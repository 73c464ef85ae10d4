import { setResponseStatus } from 'h3'
import { createRoute } from '../../../catalog/create-route'
import { seeOwnChange } from '../../../catalog/see-own-change'
import { defineApiHandler } from '../../../utils/api-handler'
import { readJson } from '../../../utils/read-request'
import { CreateModelRoute } from '../../../../shared/model-routes'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) => {
  const input = await readJson(event, CreateModelRoute)
  const created = await createRoute(runtime.db.orm, { principal, ip }, input)
  seeOwnChange(runtime, principal)
  setResponseStatus(event, 201)
  return created
})
