import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { projects } from '../../db/schema'
import { LoomError } from '../errors'
import type { Project } from '../../shared/projects'
import { projectsInScope } from './scope'
import type { Scope } from './scope'
import { selectProjects, toProject } from './select-projects'

/** @throws {LoomError} `not_found` when the scope has no such project */
export async function getProject(orm: Orm, scope: Scope, projectId: string): Promise<Project> {
  const [row] = await selectProjects(orm, scope).where(and(projectsInScope(scope), eq(projects.id, projectId)))
  if (!row) throw projectNotFound()
  return toProject(scope, row)
}

export function projectNotFound(): LoomError {
  return new LoomError('not_found', 'There is no such project.')
}
