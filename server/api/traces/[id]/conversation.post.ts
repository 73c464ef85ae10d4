import { setResponseStatus } from 'h3'
import { openAsConversation } from '../../../traces/open-as-conversation'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId, readJson } from '../../../utils/read-request'
import { OpenTrace } from '../../../../shared/traces'

/** The conversation shows the bodies of the call, so it is for who may see them. */
export default defineApiHandler({ access: 'member', role: 'admin' }, async ({ event, principal, ip, runtime }) => {
  const { projectId } = await readJson(event, OpenTrace)
  const conversation = await openAsConversation(runtime, { principal, ip }, readId(event), projectId)
  setResponseStatus(event, 201)
  return conversation
})
