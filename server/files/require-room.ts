import { eq, sum } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { artifacts, files } from '../../db/schema'
import { LoomError } from '../errors'

/**
 * Files and the documents of chats count together. Under a lock of the org, what comes at once is counted one after the other.
 * @throws {LoomError} `invalid_request` when the org has no room left
 */
export async function requireRoom(orm: Orm, orgId: string, maxBytes: number): Promise<void> {
  const [inFiles] = await orm.select({ bytes: sum(files.sizeBytes).mapWith(Number) }).from(files).where(eq(files.orgId, orgId))
  // Copies of a conversation share the bytes.
  const kept = orm.selectDistinct({ storageKey: artifacts.storageKey, sizeBytes: artifacts.sizeBytes }).from(artifacts).where(eq(artifacts.orgId, orgId)).as('kept')
  const [inDocuments] = await orm.select({ bytes: sum(kept.sizeBytes).mapWith(Number) }).from(kept)
  if ((inFiles?.bytes ?? 0) + (inDocuments?.bytes ?? 0) >= maxBytes) throw new LoomError('invalid_request', 'Your organisation has no room left for files. Remove some, or ask an operator for more.')
}
