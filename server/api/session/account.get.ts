import { currentSession } from '../../identity/current-session'
import { getAccount } from '../../identity/get-account'
import { defineApiHandler } from '../../utils/api-handler'

export default defineApiHandler({ access: 'member' }, async ({ event, principal, runtime }) => {
  const { userId } = await currentSession(event, runtime, principal)
  return getAccount(runtime.db.orm, userId)
})
