import { listProjectMembers } from '../../../../projects/project-members'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId, readQuery } from '../../../../utils/read-request'
import { ProjectMemberQuery } from '../../../../../shared/projects'

export default defineApiHandler({ access: 'member' }, ({ event, principal, runtime }) =>
  listProjectMembers(runtime.db.orm, principal, readId(event), readQuery(event, ProjectMemberQuery)))
