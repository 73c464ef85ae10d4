import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../../db/client'
import { getProject } from '../projects/get-project'
import type { Scope } from '../projects/scope'
import type { ImportConversation } from '../../shared/conversation-export'
import type { Conversation } from '../../shared/conversations'
import type { MessagePart } from '../../shared/messages'
import { toStorableText } from '../../shared/json'
import { getConversation } from './get-conversation'
import { toPartRow } from './select-messages'

const isWords = ({ type }: MessagePart) => type !== 'image' && type !== 'file'

/** Rows a statement, so that it stays bounded. */
const ROWS_MAX = 1_000

/**
 * A conversation of the caller's from an export. Ids are made anew in the order of the file; what answers cost, which trace tells of
 * them and the files that went with messages belong to where they were made, and are left out.
 * @throws {LoomError} `not_found` when the scope has no such project
 */
export async function importConversation(db: Database, caller: Scope, projectId: string, file: ImportConversation): Promise<Conversation> {
  const { orgId, userId } = caller
  await getProject(db.orm, caller, projectId)
  const id = uuidv7()
  // Made one after the other, so they sort as the originals do.
  const ids = new Map(file.messages.map(message => [message.id, uuidv7()]))
  const idOf = (old: string | null) => old === null ? null : ids.get(old) ?? null
  const messages = file.messages.map(message => ({
    id: idOf(message.id), parent_id: idOf(message.parentId), role: message.role, status: message.status, provider: message.provider, model: message.model,
    error: message.error && toStorableText(message.error.message), error_type: message.error && toStorableText(message.error.code), created_at: message.createdAt
  }))
  const parts = file.messages.flatMap(message => message.parts.filter(isWords).map((part, index) => {
    const row = toPartRow(orgId, idOf(message.id) ?? id, part)
    return {
      message_id: row.messageId, index, type: row.type, content: row.content, tool_name: row.toolName ?? null, tool_call_id: row.toolCallId ?? null,
      started_at: part.startedAt, completed_at: part.completedAt ?? part.startedAt
    }
  }))
  await db.transaction(async (query) => {
    await query('insert into conversations (id, org_id, project_id, user_id, title, model, shown_message_id) values ($1, $2, $3, $4, $5, $6, $7)',
      [id, orgId, projectId, userId, file.title || 'Imported', file.model, idOf(file.shownMessageId ?? file.messages.at(-1)?.id ?? null)])
    for (let at = 0; at < messages.length; at += ROWS_MAX) {
      await query(
        `insert into messages (id, org_id, conversation_id, parent_id, role, status, provider, model, error, error_type, created_at)
        select id, $2, $3, parent_id, role, status, provider, model, error, error_type, created_at
        from jsonb_to_recordset($1::jsonb) as row(id uuid, parent_id uuid, role text, status text, provider text, model text, error text, error_type text, created_at timestamptz)`,
        [JSON.stringify(messages.slice(at, at + ROWS_MAX)), orgId, id]
      )
    }
    for (let at = 0; at < parts.length; at += ROWS_MAX) {
      await query(
        `insert into message_parts (id, org_id, message_id, index, type, content, tool_name, tool_call_id, started_at, completed_at)
        select gen_random_uuid(), $2, message_id, index, type, content, tool_name, tool_call_id, started_at, completed_at
        from jsonb_to_recordset($1::jsonb) as row(message_id uuid, index int, type text, content jsonb, tool_name text, tool_call_id text, started_at timestamptz, completed_at timestamptz)`,
        [JSON.stringify(parts.slice(at, at + ROWS_MAX)), orgId]
      )
    }
  })
  return getConversation(db.orm, caller, id)
}
