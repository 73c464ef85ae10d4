import { setResponseStatus } from 'h3'
import { importConversation } from '../../../chat/import-conversation'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId, readJson } from '../../../utils/read-request'
import { IMPORT_MAX_BYTES, ImportConversation } from '../../../../shared/conversation-export'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, runtime }) => {
  const conversation = await importConversation(runtime, principal, readId(event), await readJson(event, ImportConversation, IMPORT_MAX_BYTES))
  setResponseStatus(event, 201)
  return conversation
})
