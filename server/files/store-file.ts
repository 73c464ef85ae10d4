import { v7 as uuidv7 } from 'uuid'
import { files } from '../../db/schema'
import { LoomError } from '../errors'
import { lockOrg } from '../platform/lock-org'
import { getProject } from '../projects/get-project'
import type { Scope } from '../projects/scope'
import type { Runtime } from '../runtime'
import type { StoredFile, UploadQuery } from '../../shared/files'
import { inspectBytes } from './inspect-bytes'
import { requireRoom } from './require-room'
import { fileColumns, toStoredFile } from './select-files'

type StoreRuntime = Pick<Runtime, 'db' | 'fileStore'> & { config: Pick<Runtime['config'], 'MAX_FILE_BYTES' | 'MAX_ORG_FILE_BYTES'> }

/**
 * Keeps a file of a project, as its bytes come: never more than a piece of it in memory, where the store allows.
 * @throws {LoomError} `not_found`, `body_too_large`, `invalid_request` as `inspectBytes` and when the org has no room left
 */
export async function storeFile(runtime: StoreRuntime, scope: Scope, projectId: string, { name, inProject, contentType }: UploadQuery & { contentType: string | undefined }, chunks: AsyncIterable<Uint8Array>): Promise<StoredFile> {
  const { db: { orm }, fileStore, config } = runtime
  const { orgId, userId } = scope
  await getProject(orm, scope, projectId)
  await requireRoom(orm, orgId, config.MAX_ORG_FILE_BYTES)
  const inspector = inspectBytes({ name, contentType, maxBytes: config.MAX_FILE_BYTES })
  const id = uuidv7()
  const storageKey = `${orgId}/${id}`
  await fileStore.write(storageKey, inspector.pass(chunks))
  try {
    return await orm.transaction(async (transaction) => {
      // Of many that came at once, each is counted before the next.
      await lockOrg(transaction, orgId)
      // The bytes took their time: the project may be gone by now, or closed to whoever sent them.
      await getProject(transaction, scope, projectId)
      await requireRoom(transaction, orgId, config.MAX_ORG_FILE_BYTES)
      const [row] = await transaction.insert(files)
        .values({ id, orgId, projectId, createdBy: userId, name, inProject, storageKey, ...inspector.result() })
        .returning(fileColumns)
      if (!row) throw new Error('The row of a file was not returned')
      return toStoredFile(row)
    })
  } catch (error) {
    if (error instanceof LoomError) await fileStore.remove(storageKey)
    throw error
  }
}
