import { rotateKey } from '../../../keys/rotate-key'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId, readJson } from '../../../utils/read-request'
import { RotateKey } from '../../../../shared/keys'

/** A new secret for a key; the old one stays valid for a while. */
export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, ip, runtime }) => {
  const id = readId(event)
  const rotation = await readJson(event, RotateKey)
  return rotateKey(runtime.db.orm, { principal, ip }, id, rotation)
})
