import { listMessages } from '../../../../../chat/list-messages'
import { showBranch } from '../../../../../chat/show-branch'
import { defineApiHandler } from '../../../../../utils/api-handler'
import { readId, readQuery } from '../../../../../utils/read-request'
import { MessageQuery } from '../../../../../../shared/messages'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, runtime }) => {
  const id = readId(event)
  const query = readQuery(event, MessageQuery.pick({ limit: true }))
  await showBranch(runtime.db.orm, principal, id, readId(event, 'messageId'))
  return listMessages(runtime.db.orm, principal, id, query)
})
