import type { SQL } from 'drizzle-orm'
import { and, eq, sql } from 'drizzle-orm'
import { files, projects } from '../../db/schema'
import { LoomError } from '../errors'
import { projectsInScope } from '../projects/scope'
import type { Scope } from '../projects/scope'
import type { StoredFile } from '../../shared/files'

/** Belongs in the `where` of every query on files: whoever may see their project may see them. */
export function filesInScope(scope: Scope): SQL | undefined {
  return and(eq(files.orgId, scope.orgId), sql`exists (select 1 from ${projects} where ${projects.id} = ${files.projectId} and ${projectsInScope(scope)})`)
}

export function fileNotFound(): LoomError {
  return new LoomError('not_found', 'There is no such file.')
}

export const fileColumns = {
  id: files.id, projectId: files.projectId, name: files.name, kind: files.kind, mime: files.mime, sizeBytes: files.sizeBytes, inProject: files.inProject, createdAt: files.createdAt
}

export function toStoredFile({ createdAt, ...row }: Omit<StoredFile, 'createdAt'> & { createdAt: Date }): StoredFile {
  return { ...row, createdAt: createdAt.toJSON() }
}
