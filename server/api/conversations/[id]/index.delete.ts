import { sendNoContent } from 'h3'
import { deleteConversation } from '../../../chat/delete-conversation'
import { stopAnswer } from '../../../chat/stop-answer'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, runtime }) => {
  const id = readId(event)
  await stopAnswer(runtime.db, principal, id)
  await deleteConversation(runtime.db.orm, principal, id)
  return sendNoContent(event)
})
