import { searchThread } from '../../../chat/search-thread'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId, readQuery } from '../../../utils/read-request'
import { ThreadSearchQuery } from '../../../../shared/conversations'

export default defineApiHandler({ access: 'member' }, ({ event, principal, runtime }) =>
  searchThread(runtime.db.orm, principal, readId(event), readQuery(event, ThreadSearchQuery)))
