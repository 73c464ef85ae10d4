import { v7 as uuidv7 } from 'uuid'
import type { Orm } from '../../db/client'
import { projects } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import type { CreateProject, Project } from '../../shared/projects'
import { getProject } from './get-project'

/** @throws {LoomError} `insufficient_scope` for a key that is bound to one project */
export async function createProject(orm: Orm, author: Author, input: CreateProject): Promise<Project> {
  const { principal } = author
  if (principal.projectId !== null) throw new LoomError('insufficient_scope', 'This key is bound to one project. Use a key of the whole organisation to create another.')
  const id = uuidv7()
  return orm.transaction(async (transaction) => {
    await transaction.insert(projects).values({ id, orgId: principal.orgId, createdBy: principal.userId, ...input })
    await recordChange(transaction, author, { action: 'project.create', target: `project:${id}`, after: input })
    return getProject(transaction, principal, id)
  })
}
