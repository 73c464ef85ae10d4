import { setProjectMember } from '../../../../projects/project-members'
import { defineApiHandler } from '../../../../utils/api-handler'
import { readId, readJson, readVersion } from '../../../../utils/read-request'
import { SetProjectMember } from '../../../../../shared/projects'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, ip, runtime }) =>
  setProjectMember(runtime.db.orm, { principal, ip }, readId(event), readId(event, 'userId'), await readJson(event, SetProjectMember), readVersion(event)))
