import { createHash } from 'node:crypto'
import { and, eq, inArray, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { artifacts, messageParts, messages } from '../../db/schema'
import { toPartRow } from '../chat/select-messages'
import type { Runtime } from '../runtime'
import { artifactMime } from '../../shared/artifacts'
import type { ToolResultPart } from '../../shared/messages'
import { toStorableText } from '../../shared/json'

interface NewArtifact {
  orgId: string
  conversationId: string
  messageId: string
  path: string
  content: string
}

/**
 * Keeps what a tool made as the next version of its path, together with the tool's result, before anybody is told of it: the bytes
 * first, then both rows or neither.
 * @returns the result naming its version
 * @throws {Error} when the answer is not running any more
 */
export async function storeArtifact({ db: { orm }, fileStore }: Pick<Runtime, 'db' | 'fileStore'>, { orgId, conversationId, messageId, path, content }: NewArtifact, result: ToolResultPart): Promise<ToolResultPart> {
  const bytes = Buffer.from(toStorableText(content))
  const id = uuidv7()
  const storageKey = `${orgId}/${id}`
  await fileStore.write(storageKey, once(bytes))
  return orm.transaction(async (tx) => {
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
    await tx.insert(artifacts).values({
      id, orgId, conversationId, partId, kind: 'file', path, version, mime: artifactMime(path), sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), storageKey
    })
    return part
  })
}

async function* once(bytes: Uint8Array) {
  yield await Promise.resolve(bytes)
}
