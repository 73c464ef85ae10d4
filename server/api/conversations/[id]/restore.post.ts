import { restoreConversation } from '../../../chat/restore-conversation'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'member' }, ({ event, principal, runtime }) =>
  restoreConversation(runtime.db.orm, principal, readId(event)))
