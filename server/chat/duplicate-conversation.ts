import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../../db/client'
import type { Scope } from '../projects/scope'
import type { Conversation } from '../../shared/conversations'
import { getConversation } from './get-conversation'

/**
 * A conversation of the caller's with all messages of another one, but for an answer that is being written there. What they cost was
 * paid once, so the totals begin anew.
 * @throws {LoomError} `not_found` when the scope has no such conversation
 */
export async function duplicateConversation(db: Database, caller: Scope & { userId: string }, conversationId: string): Promise<Conversation> {
  const { title, projectId, model, systemPrompt, parameters } = await getConversation(db.orm, caller, conversationId)
  const id = uuidv7()
  await db.transaction(async (query) => {
    await query(
      'insert into conversations (id, org_id, project_id, user_id, title, model, system_prompt, parameters) values ($1, $2, $3, $4, $5, $6, $7, $8)',
      [id, caller.orgId, projectId, caller.userId, `${title || 'Untitled'} (copy)`.slice(-200), model, systemPrompt, parameters]
    )
    const messages = await query(
      `select id from messages where org_id = $1 and conversation_id = $2 and status not in ('pending', 'streaming') order by id`, [caller.orgId, conversationId]
    )
    // Made one after the other, so the copies sort as the originals do.
    const copies = JSON.stringify(messages.map(message => ({ old: message.id, new: uuidv7() })))
    await query(
      `with copy as (select * from jsonb_to_recordset($1::jsonb) as copy(old uuid, new uuid))
      insert into messages (id, org_id, conversation_id, parent_id, role, status, agent, provider, model, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens,
        cost, latency_ms, ttfb_ms, error, error_type, error_details, trace_id, created_at)
      select copy.new, org_id, $2, parent.new, role, status, agent, provider, model, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens,
        cost, latency_ms, ttfb_ms, error, error_type, error_details, trace_id, created_at
      from messages join copy on copy.old = messages.id left join copy parent on parent.old = messages.parent_id
      where org_id = $3`,
      [copies, id, caller.orgId]
    )
    await query(
      `with copy as (select * from jsonb_to_recordset($1::jsonb) as copy(old uuid, new uuid))
      insert into message_parts (id, org_id, message_id, index, step_index, type, content, tool_name, tool_call_id, tool_duration_ms, started_at, completed_at)
      select gen_random_uuid(), org_id, copy.new, index, step_index, type, content, tool_name, tool_call_id, tool_duration_ms, started_at, completed_at
      from message_parts join copy on copy.old = message_parts.message_id
      where org_id = $2`,
      [copies, caller.orgId]
    )
    // Both conversations show the same bytes: no version ever changes.
    await query(
      `with copy as (select * from jsonb_to_recordset($1::jsonb) as copy(old uuid, new uuid))
      insert into artifacts (id, org_id, conversation_id, part_id, kind, path, version, mime, size_bytes, sha256, storage_key, created_at)
      select gen_random_uuid(), made.org_id, $2, part.id, made.kind, made.path, made.version, made.mime, made.size_bytes, made.sha256, made.storage_key, made.created_at
      from artifacts made join message_parts origin on origin.id = made.part_id join copy on copy.old = origin.message_id
      join message_parts part on part.message_id = copy.new and part.index = origin.index
      where made.org_id = $3 and made.conversation_id = $4`,
      [copies, id, caller.orgId, conversationId]
    )
    await query(
      `with copy as (select * from jsonb_to_recordset($1::jsonb) as copy(old uuid, new uuid)), shown as (
        select coalesce(own.new, above.new) as id from conversations
        left join messages on messages.id = conversations.shown_message_id
        left join copy own on own.old = messages.id left join copy above on above.old = messages.parent_id
        where conversations.id = $2 and conversations.org_id = $3
      )
      update conversations set shown_message_id = shown.id from shown where conversations.id = $4 and conversations.org_id = $3`,
      [copies, conversationId, caller.orgId, id]
    )
  })
  return getConversation(db.orm, caller, id)
}
