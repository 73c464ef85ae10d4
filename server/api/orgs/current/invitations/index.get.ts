import { listInvitations } from '../../../../identity/list-invitations'
import { defineApiHandler } from '../../../../utils/api-handler'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, ({ principal, runtime }) => listInvitations(runtime.db.orm, principal.orgId))
