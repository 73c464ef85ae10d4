import { setResponseStatus } from 'h3'
import { createPrice } from '../../../catalog/prices'
import { seeOwnChange } from '../../../catalog/see-own-change'
import { defineApiHandler } from '../../../utils/api-handler'
import { readJson } from '../../../utils/read-request'
import { CreateModelPrice } from '../../../../shared/model-routes'

export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) => {
  const input = await readJson(event, CreateModelPrice)
  const created = await createPrice(runtime.db.orm, { principal, ip }, input)
  seeOwnChange(runtime, principal)
  setResponseStatus(event, 201)
  return created
})
