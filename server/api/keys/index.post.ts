import { setResponseStatus } from 'h3'
import { createKey } from '../../keys/create-key'
import { defineApiHandler } from '../../utils/api-handler'
import { readJson } from '../../utils/read-request'
import { CreateKey } from '../../../shared/keys'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, ip, runtime }) => {
  const input = await readJson(event, CreateKey)
  const created = await createKey(runtime.db.orm, { principal, ip }, input)
  setResponseStatus(event, 201)
  return created
})
