import { listFacets } from '../../traces/list-facets'
import { defineApiHandler } from '../../utils/api-handler'

export default defineApiHandler({ access: 'member', role: 'viewer' }, ({ principal, runtime }) => listFacets(runtime.db, principal))
