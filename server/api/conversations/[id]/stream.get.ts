import { sendNoContent } from 'h3'
import { followAnswer } from '../../../chat/follow-answer'
import { defineApiHandler } from '../../../utils/api-handler'
import { readLastEventId, sendEvents } from '../../../utils/event-stream'
import { readId, readQuery } from '../../../utils/read-request'
import { FollowQuery } from '../../../../shared/chat-events'

export default defineApiHandler({ access: 'member' }, async ({ event, principal, runtime }) => {
  const query = readQuery(event, FollowQuery)
  const events = await followAnswer(runtime.db.orm, principal, readId(event), { ...query, after: query.after || readLastEventId(event) })
  return events ? sendEvents(event, events) : sendNoContent(event)
})
