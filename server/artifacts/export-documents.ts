import { and, desc, eq } from 'drizzle-orm'
import { artifacts, messageParts } from '../../db/schema'
import type { Runtime } from '../runtime'
import { EXPORTED_DOCUMENTS_MAX_BYTES } from '../../shared/conversation-export'
import type { ExportedDocument } from '../../shared/conversation-export'

/** What the tools of a conversation made, with its content: the newest first, as many as an export may hold. */
export async function exportDocuments({ db: { orm }, fileStore }: Pick<Runtime, 'db' | 'fileStore'>, orgId: string, conversationId: string): Promise<ExportedDocument[]> {
  const rows = await orm.select({ messageId: messageParts.messageId, partIndex: messageParts.index, kind: artifacts.kind, sizeBytes: artifacts.sizeBytes, storageKey: artifacts.storageKey })
    .from(artifacts).innerJoin(messageParts, and(eq(messageParts.id, artifacts.partId), eq(messageParts.orgId, orgId)))
    .where(and(eq(artifacts.orgId, orgId), eq(artifacts.conversationId, conversationId)))
    .orderBy(desc(messageParts.messageId), desc(messageParts.index))
  const documents: ExportedDocument[] = []
  let left = EXPORTED_DOCUMENTS_MAX_BYTES
  for (const { messageId, partIndex, kind, sizeBytes, storageKey } of rows) {
    left -= sizeBytes
    if (left < 0) break
    const bytes = await fileStore.read(storageKey)
    documents.push(kind === 'image' ? { messageId, partIndex, encoding: 'base64', content: bytes.toString('base64') } : { messageId, partIndex, encoding: 'text', content: bytes.toString('utf8') })
  }
  return documents
}
