import { listProjects } from '../../projects/list-projects'
import { defineApiHandler } from '../../utils/api-handler'
import { readQuery } from '../../utils/read-request'
import { ProjectQuery } from '../../../shared/projects'

export default defineApiHandler({ access: 'member' }, ({ event, principal, runtime }) =>
  listProjects(runtime.db.orm, principal, readQuery(event, ProjectQuery)))
