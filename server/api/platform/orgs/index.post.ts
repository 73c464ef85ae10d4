import { getRequestURL, setResponseStatus } from 'h3'
import { createOrg } from '../../../platform/create-org'
import { defineApiHandler } from '../../../utils/api-handler'
import { readJson } from '../../../utils/read-request'
import { CreateOrg } from '../../../../shared/platform'

export default defineApiHandler({ access: 'platform-admin' }, async ({ event, principal, ip, runtime }) => {
  const input = await readJson(event, CreateOrg)
  const created = await createOrg(runtime.db.orm, { principal, ip }, input, runtime.config.APP_URL ?? getRequestURL(event).origin)
  setResponseStatus(event, 201)
  return created
})
