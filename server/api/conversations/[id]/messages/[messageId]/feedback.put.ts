import { sendNoContent } from 'h3'
import { giveFeedback } from '../../../../../chat/give-feedback'
import { defineApiHandler } from '../../../../../utils/api-handler'
import { readId, readJson } from '../../../../../utils/read-request'
import { GiveFeedback } from '../../../../../../shared/messages'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, runtime }) => {
  await giveFeedback(runtime.db.orm, principal, readId(event), readId(event, 'messageId'), await readJson(event, GiveFeedback))
  return sendNoContent(event)
})
