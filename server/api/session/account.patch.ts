import { currentSession } from '../../identity/current-session'
import { renameUser } from '../../identity/rename-user'
import { defineApiHandler } from '../../utils/api-handler'
import { readJson } from '../../utils/read-request'
import { UpdateAccount } from '../../../shared/identity'

export default defineApiHandler({ access: 'member' }, async ({ event, principal, ip, runtime }) => {
  await currentSession(event, runtime, principal)
  const { name } = await readJson(event, UpdateAccount)
  return renameUser(runtime.db.orm, { principal, ip }, name)
})
