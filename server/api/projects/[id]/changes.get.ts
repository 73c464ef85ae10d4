import { defineApiHandler } from '../../../utils/api-handler'
import { sendEvents } from '../../../utils/event-stream'
import { readId, readQuery } from '../../../utils/read-request'
import { ChangesQuery } from '../../../../shared/conversation-changes'

export default defineApiHandler({ access: 'member' }, async ({ event, principal, runtime }) =>
  sendEvents(event, await runtime.conversationFeed.follow(principal, readId(event), readQuery(event, ChangesQuery))))
