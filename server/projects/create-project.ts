import { v7 as uuidv7 } from 'uuid'
import type { Orm } from '../../db/client'
import { projects } from '../../db/schema'
import { LoomError } from '../errors'
import type { CreateProject, Project } from '../../shared/projects'
import { getProject } from './get-project'
import type { Scope } from './scope'

/** @throws {LoomError} `insufficient_scope` for a key that is bound to one project */
export async function createProject(orm: Orm, creator: Scope & { userId: string }, input: CreateProject): Promise<Project> {
  if (creator.projectId !== null) throw new LoomError('insufficient_scope', 'This key is bound to one project. Use a key of the whole organisation to create another.')
  const id = uuidv7()
  await orm.insert(projects).values({ id, orgId: creator.orgId, createdBy: creator.userId, ...input })
  return getProject(orm, creator, id)
}
