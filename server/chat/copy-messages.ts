import { and, eq, notInArray, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Orm } from '../../db/client'
import { conversations, messages } from '../../db/schema'

interface Copy {
  from: string
  /** An empty conversation of the same org. */
  to: string
  /** Which messages of `from`; those that are being written are left out. */
  which?: SQL
  /** The end of the branch to be shown; where that is left out, what it answers. */
  shownMessageId: string | null
}

/** Copies settled messages with their parts and documents. What they cost was paid once, so the copy's totals begin anew. */
export async function copyMessages(tx: Orm, orgId: string, { from, to, which, shownMessageId }: Copy): Promise<void> {
  const settled = await tx.select({ id: messages.id }).from(messages)
    .where(and(eq(messages.orgId, orgId), eq(messages.conversationId, from), notInArray(messages.status, ['pending', 'streaming']), which))
    .orderBy(messages.id)
  // Made one after the other, so the copies sort as the originals do.
  const copies = settled.map(({ id }) => ({ old: id, new: uuidv7() }))
  const copy = sql`copy as (select * from jsonb_to_recordset(${JSON.stringify(copies)}::jsonb) as copy(old uuid, new uuid))`
  await tx.execute(sql`
    with ${copy}
    insert into messages (id, org_id, conversation_id, parent_id, role, status, agent, provider, model, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens,
      context_tokens, left_out_turns, cost, latency_ms, ttfb_ms, error, error_type, error_details, trace_id, created_at)
    select copy.new, org_id, ${to}::uuid, parent.new, role, status, agent, provider, model, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens,
      context_tokens, left_out_turns, cost, latency_ms, ttfb_ms, error, error_type, error_details, trace_id, created_at
    from messages join copy on copy.old = messages.id left join copy parent on parent.old = messages.parent_id
    where org_id = ${orgId}`)
  await tx.execute(sql`
    with ${copy}
    insert into message_parts (id, org_id, message_id, index, step_index, type, content, tool_name, tool_call_id, tool_duration_ms, started_at, completed_at)
    select gen_random_uuid(), org_id, copy.new, index, step_index, type, content, tool_name, tool_call_id, tool_duration_ms, started_at, completed_at
    from message_parts join copy on copy.old = message_parts.message_id where org_id = ${orgId}`)
  // Both conversations show the same bytes: no version ever changes.
  await tx.execute(sql`
    with ${copy}
    insert into artifacts (id, org_id, conversation_id, part_id, kind, path, version, mime, size_bytes, sha256, storage_key, created_at)
    select gen_random_uuid(), made.org_id, ${to}::uuid, part.id, made.kind, made.path, made.version, made.mime, made.size_bytes, made.sha256, made.storage_key, made.created_at
    from artifacts made join message_parts origin on origin.id = made.part_id join copy on copy.old = origin.message_id
    join message_parts part on part.message_id = copy.new and part.index = origin.index
    where made.org_id = ${orgId} and made.conversation_id = ${from}`)
  await tx.update(conversations)
    .set({ shownMessageId: await findShown(tx, orgId, shownMessageId, new Map(copies.map(one => [one.old, one.new]))) })
    .where(and(eq(conversations.orgId, orgId), eq(conversations.id, to)))
}

async function findShown(tx: Orm, orgId: string, shownMessageId: string | null, copies: ReadonlyMap<string, string>): Promise<string | null> {
  if (shownMessageId === null) return null
  const own = copies.get(shownMessageId)
  if (own !== undefined) return own
  const [shown] = await tx.select({ parentId: messages.parentId }).from(messages).where(and(eq(messages.orgId, orgId), eq(messages.id, shownMessageId)))
  return copies.get(shown?.parentId ?? '') ?? null
}
