import { eq, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { files } from '../../db/schema'
import { LoomError } from '../errors'
import { getProject } from '../projects/get-project'
import type { Scope } from '../projects/scope'
import type { Runtime } from '../runtime'
import type { StoredFile, UploadQuery } from '../../shared/files'
import { inspectBytes } from './inspect-bytes'
import { fileColumns, toStoredFile } from './select-files'

/**
 * Keeps a file of a project, as its bytes come: never more than a piece of it in memory, where the store allows.
 * @throws {LoomError} `not_found`, `body_too_large`, `invalid_request` as `inspectBytes` and when the org has no room left
 */
export async function storeFile(runtime: Runtime, scope: Scope, projectId: string, { name, inProject, contentType }: UploadQuery & { contentType: string | undefined }, chunks: AsyncIterable<Uint8Array>): Promise<StoredFile> {
  const { db: { orm }, fileStore, config } = runtime
  const { orgId, userId } = scope
  await getProject(orm, scope, projectId)
  const [used] = await orm.select({ bytes: sql<number>`coalesce(sum(${files.sizeBytes}), 0)`.mapWith(Number) }).from(files).where(eq(files.orgId, orgId))
  if ((used?.bytes ?? 0) >= config.MAX_ORG_FILE_BYTES) throw new LoomError('invalid_request', 'Your organisation has no room left for files. Remove some, or ask an operator for more.')
  const inspector = inspectBytes({ name, contentType, maxBytes: config.MAX_FILE_BYTES })
  const id = uuidv7()
  const storageKey = `${orgId}/${id}`
  await fileStore.write(storageKey, inspector.pass(chunks))
  const [row] = await orm.insert(files)
    .values({ id, orgId, projectId, createdBy: userId, name, inProject, storageKey, ...inspector.result() })
    .returning(fileColumns)
  if (!row) throw new Error('The row of a file was not returned')
  return toStoredFile(row)
}
