import { and, eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { files } from '../../db/schema'
import type { Scope } from '../projects/scope'
import type { StoredFile } from '../../shared/files'
import { fileColumns, fileNotFound, filesOfProjects, toStoredFile } from './select-files'

/**
 * Takes a file out of its project, or a message that was not sent. Messages that were keep it, and whoever only sees these does not take it from its project.
 * @throws {LoomError} `not_found` when the scope has no such file
 */
export async function removeFile(orm: Orm, scope: Scope, id: string): Promise<void> {
  const removed = await orm.update(files).set({ removedAt: sql`now()` }).where(and(filesOfProjects(scope), eq(files.id, id))).returning({ id: files.id })
  if (removed.length === 0) throw fileNotFound()
}

/**
 * Undoes that, until the file is swept.
 * @throws {LoomError} `not_found` when the scope has no such file any more
 */
export async function restoreFile(orm: Orm, scope: Scope, id: string): Promise<StoredFile> {
  const [restored] = await orm.update(files).set({ removedAt: null }).where(and(filesOfProjects(scope), eq(files.id, id))).returning(fileColumns)
  if (!restored) throw fileNotFound()
  return toStoredFile(restored)
}
