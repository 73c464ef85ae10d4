import { setResponseStatus } from 'h3'
import { seeOwnChange } from '../../catalog/see-own-change'
import { createConnection } from '../../connections/create-connection'
import { defineApiHandler } from '../../utils/api-handler'
import { readJson } from '../../utils/read-request'
import { CreateConnection } from '../../../shared/connections'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, async ({ event, principal, ip, runtime }) => {
  const input = await readJson(event, CreateConnection)
  const created = await createConnection(runtime.db.orm, runtime.keyring, { principal, ip }, input)
  seeOwnChange(runtime, principal)
  setResponseStatus(event, 201)
  return created
})
