import { updateProject } from '../../../projects/update-project'
import { defineApiHandler } from '../../../utils/api-handler'
import { readId, readJson, readVersion } from '../../../utils/read-request'
import { UpdateProject } from '../../../../shared/projects'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, ip, runtime }) =>
  updateProject(runtime.db.orm, { principal, ip }, readId(event), await readJson(event, UpdateProject), readVersion(event)))
