import { listConversations } from '../../../chat/list-conversations'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId, readQuery } from '../../../utils/read-request'
import { ConversationQuery } from '../../../../shared/conversations'

export default defineApiHandler({ access: 'member' }, ({ event, principal, runtime }) =>
  listConversations(runtime.db.orm, principal, readId(event), readQuery(event, ConversationQuery)))
