import { changeConversations } from '../../chat/change-conversations'
import { defineApiHandler } from '../../utils/api-handler'
import { readJson } from '../../utils/read-request'
import { ChangeConversations } from '../../../shared/conversations'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, ip, runtime }) =>
  changeConversations(runtime.db, { principal, ip }, await readJson(event, ChangeConversations)))
