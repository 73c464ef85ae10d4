import { and, eq, inArray, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { artifacts, messageParts, messages } from '../../db/schema'
import { toPartRow } from '../chat/select-messages'
import { LoomError } from '../errors'
import { requireRoom } from '../files/require-room'
import { lockOrg } from '../platform/lock-org'
import type { Runtime } from '../runtime'
import type { ToolResultPart } from '../../shared/messages'
import { keepVersion } from './keep-version'
import type { ArtifactContent } from './keep-version'

interface NewArtifact {
  orgId: string
  conversationId: string
  messageId: string
  path: string
  content: ArtifactContent
}

/**
 * Keeps what a tool made as the next version of its path, together with the tool's result, before anybody is told of it: the bytes
 * first, then both rows or neither.
 * @returns the result naming its version
 * @throws {LoomError} `invalid_request` when the org has no room left
 * @throws {Error} when the answer is not running any more
 */
export async function storeArtifact({ config, db: { orm }, fileStore }: Pick<Runtime, 'db' | 'fileStore'> & { config: Pick<Runtime['config'], 'MAX_ORG_FILE_BYTES'> }, { orgId, conversationId, messageId, path, content }: NewArtifact, result: ToolResultPart): Promise<ToolResultPart> {
  await requireRoom(orm, orgId, config.MAX_ORG_FILE_BYTES)
  const kept = await keepVersion(fileStore, orgId, path, content)
  return orm.transaction(async (tx) => {
    await lockOrg(tx, orgId)
    await requireRoom(tx, orgId, config.MAX_ORG_FILE_BYTES)
    // One answer runs in a conversation, and its row is locked: nobody else counts versions now.
    const running = await tx.select({ id: messages.id }).from(messages)
      .where(and(eq(messages.orgId, orgId), eq(messages.id, messageId), inArray(messages.status, ['pending', 'streaming'])))
      .for('share')
    if (running.length === 0) throw new Error('The answer that made an artifact is not running any more')
    const [last] = await tx.select({ version: sql<number>`coalesce(max(${artifacts.version}), 0)`.mapWith(Number) }).from(artifacts)
      .where(and(eq(artifacts.orgId, orgId), eq(artifacts.conversationId, conversationId), eq(artifacts.path, path)))
    const version = (last?.version ?? 0) + 1
    const part: ToolResultPart = { ...result, artifact: { path, version } }
    const partId = uuidv7()
    await tx.insert(messageParts).values({ id: partId, ...toPartRow(orgId, messageId, part) })
    await tx.insert(artifacts).values({ ...kept, orgId, conversationId, partId, version })
    return part
  }).catch(async (error: unknown) => {
    if (error instanceof LoomError) await fileStore.remove(kept.storageKey)
    throw error
  })
}
