import { getConversation } from '../../../chat/get-conversation'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member' }, ({ event, principal, runtime }) =>
  getConversation(runtime.db.orm, principal, readId(event)))
