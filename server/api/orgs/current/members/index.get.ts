import { listMembers } from '../../../../identity/list-members'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readQuery } from '../../../../utils/read-request'
import { MemberQuery } from '../../../../../shared/identity'

export default defineApiHandler({ access: 'member', orgWide: true }, ({ event, principal, runtime }) => listMembers(runtime.db.orm, principal, readQuery(event, MemberQuery)))
