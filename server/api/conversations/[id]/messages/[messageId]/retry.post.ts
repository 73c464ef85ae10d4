import { retryMessage } from '../../../../../chat/send-message'
import { defineApiHandler } from '../../../../../utils/api-handler'
import { sendEvents } from '../../../../../utils/event-stream'
import { readId, readJson } from '../../../../../utils/read-request'
import { AnswerAgain } from '../../../../../../shared/answers'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, runtime }) => {
  const events = await retryMessage(runtime, principal, readId(event), readId(event, 'messageId'), await readJson(event, AnswerAgain))
  return sendEvents(event, events)
})
