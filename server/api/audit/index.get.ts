import { listEntries } from '../../audit/list-entries'
import { defineApiHandler } from '../../utils/api-handler'
import { readQuery } from '../../utils/read-request'
import { AuditQuery } from '../../../shared/audit'

export default defineApiHandler({ access: 'member', role: 'admin', orgWide: true }, ({ event, principal, runtime }) =>
  listEntries(runtime.db.orm, principal.orgId, readQuery(event, AuditQuery)))
