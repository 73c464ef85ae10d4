import { updateConversation } from '../../../chat/update-conversation'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId, readJson, readVersion } from '../../../utils/read-request'
import { UpdateConversation } from '../../../../shared/conversations'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, ip, runtime }) =>
  updateConversation(runtime.db.orm, { principal, ip }, readId(event), await readJson(event, UpdateConversation), readVersion(event)))
