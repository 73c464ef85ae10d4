import { and, asc, eq, isNull } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { files } from '../../db/schema'
import { getProject } from '../projects/get-project'
import type { Scope } from '../projects/scope'
import type { ProjectFiles } from '../../shared/files'
import { fileColumns, filesInScope, toStoredFile } from './select-files'

/** More than any project shows or any model reads. */
const FILES_MAX = 500

/**
 * What a project gives to all its conversations, oldest first.
 * @throws {LoomError} `not_found` when the scope has no such project
 */
export async function listProjectFiles(orm: Orm, scope: Scope, projectId: string): Promise<ProjectFiles> {
  await getProject(orm, scope, projectId)
  const rows = await orm.select(fileColumns).from(files)
    .where(and(filesInScope(scope), eq(files.projectId, projectId), eq(files.inProject, true), isNull(files.removedAt)))
    .orderBy(asc(files.id))
    .limit(FILES_MAX)
  return { files: rows.map(toStoredFile) }
}
