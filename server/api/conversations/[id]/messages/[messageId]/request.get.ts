import { getAnswerRequest } from '../../../../../chat/get-answer-request'
import { defineApiHandler } from '../../../../../utils/api-handler'
import { readId } from '../../../../../utils/read-request'

export default defineApiHandler({ access: 'member' }, ({ event, principal, runtime }) =>
  getAnswerRequest(runtime, principal, readId(event), readId(event, 'messageId')))
