import { sendNoContent } from 'h3'
import { sendMessage } from '../../../../chat/send-message'
import { defineApiHandler } from '../../../../utils/api-handler'
import { sendEvents } from '../../../../utils/event-stream'
import { readId, readJson } from '../../../../utils/read-request'
import { SendMessage } from '../../../../../shared/answers'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, runtime }) => {
  const events = await sendMessage(runtime, principal, readId(event), await readJson(event, SendMessage))
  return events ? sendEvents(event, events) : sendNoContent(event)
})
