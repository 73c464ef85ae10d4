import { updateKey } from '../../../keys/update-key'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId, readJson, readVersion } from '../../../utils/read-request'
import { UpdateKey } from '../../../../shared/keys'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, ip, runtime }) => {
  const id = readId(event)
  const change = await readJson(event, UpdateKey)
  return updateKey(runtime.db.orm, { principal, ip }, id, change, readVersion(event))
})
