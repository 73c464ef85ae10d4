import { listMembers } from '../../../../identity/list-members'
import { defineApiHandler } from '../../../../utils/api-handler'

export default defineApiHandler({ access: 'member', orgWide: true }, ({ principal, runtime }) => listMembers(runtime.db.orm, principal))
