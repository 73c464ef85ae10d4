import { and, asc, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { artifacts } from '../../db/schema'
import { getConversation } from '../chat/get-conversation'
import type { Scope } from '../projects/scope'
import type { ArtifactList } from '../../shared/artifacts'

/**
 * What the tools of a conversation made, on all its branches, every version of it.
 * @throws {LoomError} `not_found` when the scope has no such conversation
 */
export async function listArtifacts(orm: Orm, scope: Scope, conversationId: string): Promise<ArtifactList> {
  await getConversation(orm, scope, conversationId)
  const { id, path, version, mime, sizeBytes, sha256, createdAt } = artifacts
  const rows = await orm.select({ id, path, version, mime, sizeBytes, sha256, createdAt }).from(artifacts)
    .where(and(eq(artifacts.orgId, scope.orgId), eq(artifacts.conversationId, conversationId)))
    .orderBy(asc(path), asc(version))
  return { artifacts: rows.map(row => ({ ...row, createdAt: row.createdAt.toJSON() })) }
}
