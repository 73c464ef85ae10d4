import { searchConversations } from '../chat/search-conversations'
import { defineApiHandler } from '../utils/api-handler'
import { readQuery } from '../utils/read-request'
import { SearchQuery } from '../../shared/search'

export default defineApiHandler({ access: 'member' }, ({ event, principal, runtime }) =>
  searchConversations(runtime.db.orm, principal, readQuery(event, SearchQuery)))
