import { and, eq } from 'drizzle-orm'
import { artifacts, conversations } from '../../db/schema'
import { openConversations } from '../chat/select-conversations'
import { LoomError } from '../errors'
import type { ReadableFile } from '../files/read-file'
import type { Scope } from '../projects/scope'
import type { Runtime } from '../runtime'

/** @throws {LoomError} `not_found` when no conversation that the scope may open has such a version */
export async function readArtifact({ db: { orm }, fileStore }: Pick<Runtime, 'db' | 'fileStore'>, scope: Scope, id: string): Promise<ReadableFile> {
  const [found] = await orm.select({ name: artifacts.path, mime: artifacts.mime, sha256: artifacts.sha256, storageKey: artifacts.storageKey }).from(artifacts)
    .innerJoin(conversations, eq(conversations.id, artifacts.conversationId))
    .where(and(openConversations(scope), eq(artifacts.orgId, scope.orgId), eq(artifacts.id, id)))
  if (!found) throw new LoomError('not_found', 'There is no such version of a document.')
  const { storageKey, ...described } = found
  return { ...described, read: () => fileStore.read(storageKey) }
}
