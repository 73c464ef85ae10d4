import { setResponseStatus } from 'h3'
import { createProject } from '../../projects/create-project'
import { defineApiHandler } from '../../utils/api-handler'
import { readJson } from '../../utils/read-request'
import { CreateProject } from '../../../shared/projects'

export default defineApiHandler({ access: 'member', role: 'member' }, async ({ event, principal, ip, runtime }) => {
  const project = await createProject(runtime.db.orm, { principal, ip }, await readJson(event, CreateProject))
  setResponseStatus(event, 201)
  return project
})
