import { stopAnswer } from '../../../chat/stop-answer'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId } from '../../../utils/read-request'

export default defineApiHandler({ access: 'member', role: 'member' }, ({ event, principal, runtime }) =>
  stopAnswer(runtime.db, principal, readId(event)))
