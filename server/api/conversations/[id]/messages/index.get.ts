import { listMessages } from '../../../../chat/list-messages'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId, readQuery } from '../../../../utils/read-request'
import { MessageQuery } from '../../../../../shared/messages'

export default defineApiHandler({ access: 'member' }, ({ event, principal, runtime }) =>
  listMessages(runtime.db.orm, principal, readId(event), readQuery(event, MessageQuery)))
