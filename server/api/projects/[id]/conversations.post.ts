import { setResponseStatus } from 'h3'
import { createConversation } from '../../../chat/create-conversation'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId, readJson } from '../../../utils/read-request'
import { CreateConversation } from '../../../../shared/conversations'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, runtime }) => {
  const conversation = await createConversation(runtime.db.orm, principal, readId(event), await readJson(event, CreateConversation))
  setResponseStatus(event, 201)
  return conversation
})
