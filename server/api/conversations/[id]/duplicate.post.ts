import { setResponseStatus } from 'h3'
import { duplicateConversation } from '../../../chat/duplicate-conversation'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, runtime }) => {
  const conversation = await duplicateConversation(runtime.db.orm, principal, readId(event))
  setResponseStatus(event, 201)
  return conversation
})
