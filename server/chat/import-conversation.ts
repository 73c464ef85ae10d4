import { sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Orm } from '../../db/client'
import { conversations } from '../../db/schema'
import { keepVersion } from '../artifacts/keep-version'
import { readImage } from '../artifacts/read-image'
import { LoomError } from '../errors'
import { discardBytes } from '../files/discarded-bytes'
import type { FileStore } from '../files/file-store'
import { requireRoom } from '../files/require-room'
import { lockOrg } from '../platform/lock-org'
import { getProject } from '../projects/get-project'
import type { Scope } from '../projects/scope'
import type { Runtime } from '../runtime'
import type { ExportedDocument, ImportConversation, ImportedConversation } from '../../shared/conversation-export'
import type { MessagePart } from '../../shared/messages'
import { toStorableText } from '../../shared/json'
import { getConversation } from './get-conversation'
import { toPartRow } from './select-messages'

const isOwn = ({ type }: MessagePart) => type !== 'image' && type !== 'file'

/** Rows a statement, so that it stays bounded. */
const ROWS_MAX = 1_000

/**
 * A conversation of the caller's from an export. Ids are made anew in the order of the file; what answers cost, which trace tells of
 * them and the files that went with messages belong to where they were made, and are left out; the files are counted.
 * @throws {LoomError} `not_found` when the scope has no such project, `invalid_request` for an image that is none, and for documents when the org has no room left
 */
export async function importConversation({ config, db, fileStore }: Pick<Runtime, 'db' | 'fileStore'> & { config: Pick<Runtime['config'], 'MAX_ORG_FILE_BYTES'> }, caller: Scope, projectId: string, file: ImportConversation): Promise<ImportedConversation> {
  const { orgId, userId } = caller
  await getProject(db.orm, caller, projectId)
  if (file.documents.length > 0) await requireRoom(db.orm, orgId, config.MAX_ORG_FILE_BYTES)
  const id = uuidv7()
  // Made one after the other, so they sort as the originals do.
  const ids = new Map(file.messages.map(message => [message.id, uuidv7()]))
  const idOf = (old: string | null) => old === null ? null : ids.get(old) ?? null
  const messages = file.messages.map(message => ({
    id: idOf(message.id), parent_id: idOf(message.parentId), role: message.role, status: message.status, provider: message.provider, model: message.model,
    error: message.error && toStorableText(message.error.message), error_type: message.error && toStorableText(message.error.code), created_at: message.createdAt
  }))
  const partIds = new Map<MessagePart, string>()
  const parts = file.messages.flatMap(message => message.parts.filter(isOwn).map((part, index) => {
    const row = toPartRow(orgId, idOf(message.id) ?? id, part)
    const partId = uuidv7()
    partIds.set(part, partId)
    return {
      id: partId, message_id: row.messageId, index, type: row.type, content: row.content, tool_name: row.toolName ?? null, tool_call_id: row.toolCallId ?? null, tool_duration_ms: row.toolDurationMs ?? null,
      started_at: part.startedAt, completed_at: part.completedAt ?? part.startedAt
    }
  }))
  const documents = await keepDocuments(fileStore, orgId, file, partIds)
  try {
    await db.orm.transaction(async (transaction) => {
      await transaction.insert(conversations).values({
        id, orgId, projectId, userId, title: file.title || 'Imported', model: file.model, systemPrompt: file.systemPrompt, parameters: file.parameters, tools: file.tools,
        shownMessageId: idOf(file.shownMessageId ?? file.messages.at(-1)?.id ?? null)
      })
      await insertAll(transaction, messages, rows => sql`insert into messages (id, org_id, conversation_id, parent_id, role, status, provider, model, error, error_type, created_at)
        select id, ${orgId}, ${id}, parent_id, role, status, provider, model, error, error_type, created_at
        from jsonb_to_recordset(${rows}::jsonb) as row(id uuid, parent_id uuid, role text, status text, provider text, model text, error text, error_type text, created_at timestamptz)`)
      await insertAll(transaction, parts, rows => sql`insert into message_parts (id, org_id, message_id, index, type, content, tool_name, tool_call_id, tool_duration_ms, started_at, completed_at)
        select id, ${orgId}, message_id, index, type, content, tool_name, tool_call_id, tool_duration_ms, started_at, completed_at
        from jsonb_to_recordset(${rows}::jsonb) as row(id uuid, message_id uuid, index int, type text, content jsonb, tool_name text, tool_call_id text, tool_duration_ms int, started_at timestamptz, completed_at timestamptz)`)
      // Of many that came at once, each is counted before the next: last, for others wait for the org meanwhile.
      if (documents.length > 0) {
        await lockOrg(transaction, orgId)
        await requireRoom(transaction, orgId, config.MAX_ORG_FILE_BYTES)
      }
      await insertAll(transaction, documents, rows => sql`insert into artifacts (id, org_id, conversation_id, part_id, kind, path, version, mime, size_bytes, sha256, storage_key, created_at)
        select id, ${orgId}, ${id}, "partId", kind, path, version, mime, "sizeBytes", sha256, "storageKey", "createdAt"
        from jsonb_to_recordset(${rows}::jsonb) as row(id uuid, "partId" uuid, kind text, path text, version int, mime text, "sizeBytes" bigint, sha256 text, "storageKey" text, "createdAt" timestamptz)`)
    })
  } catch (error) {
    await discardBytes(db.query, documents.map(({ storageKey }) => storageKey))
    throw error
  }
  const leftOutFiles = file.messages.flatMap(message => message.parts).filter(part => !isOwn(part)).length
  return { ...await getConversation(db.orm, caller, id), leftOutFiles }
}

/** Rows of `artifacts` whose bytes are kept, each at the part that its document had in the file. */
async function keepDocuments(fileStore: FileStore, orgId: string, { messages, documents }: ImportConversation, partIds: ReadonlyMap<MessagePart, string>) {
  const byId = new Map(messages.map(message => [message.id, message]))
  const read = await Promise.all(documents.map(async (document) => {
    const part = byId.get(document.messageId)?.parts[document.partIndex]
    return part?.type === 'tool_result' && part.artifact ? [{ part, ...part.artifact, content: await readContent(document) }] : []
  }))
  const kept = []
  for (const { part, path, version, content } of read.flat()) {
    kept.push({ ...await keepVersion(fileStore, orgId, path, content), version, partId: partIds.get(part), createdAt: part.completedAt ?? part.startedAt })
  }
  return kept
}

async function insertAll(transaction: Orm, rows: readonly object[], statement: (json: string) => SQL): Promise<void> {
  for (let at = 0; at < rows.length; at += ROWS_MAX) await transaction.execute(statement(JSON.stringify(rows.slice(at, at + ROWS_MAX))))
}

async function readContent({ encoding, content }: ExportedDocument) {
  if (encoding === 'text') return content
  const image = await readImage(content)
  if (!image) throw new LoomError('invalid_request', 'A document of it says that it is an image, and is none.', { param: 'documents' })
  return image
}
