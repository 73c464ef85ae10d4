import { and, eq, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Orm } from '../../db/client'
import { conversations, messages } from '../../db/schema'
import { branchIds, isRunning } from './select-messages'

/** More than any thread has. */
const THREAD_MAX = 1_000_000

/** Copies the settled messages of the branch that ends with `lastId` into an empty conversation of the same org, and shows them. What they cost was paid once. */
export async function copyMessages(tx: Orm, orgId: string, { to, lastId }: { to: string, lastId: string }): Promise<void> {
  const branch = await tx.select({ id: messages.id, status: messages.status }).from(messages)
    .where(and(eq(messages.orgId, orgId), sql`${messages.id} = any(${branchIds(orgId, sql`${lastId}::uuid`, THREAD_MAX)})`))
    .orderBy(messages.id)
  // Made one after the other, so the copies sort as the originals do.
  const copies = branch.filter(message => !isRunning(message)).map(({ id }) => ({ old: id, new: uuidv7() }))
  const copy = sql`(select * from jsonb_to_recordset(${JSON.stringify(copies)}::jsonb) as copy(old uuid, new uuid))`
  await tx.execute(sql`
    with copy as ${copy}
    insert into messages (id, org_id, conversation_id, parent_id, role, status, agent, provider, model, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens,
      cost, latency_ms, ttfb_ms, error, error_type, error_details, trace_id, created_at)
    select copy.new, org_id, ${to}::uuid, parent.new, role, status, agent, provider, model, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens,
      cost, latency_ms, ttfb_ms, error, error_type, error_details, trace_id, created_at
    from messages join copy on copy.old = messages.id left join copy parent on parent.old = messages.parent_id
    where org_id = ${orgId}`)
  await tx.execute(sql`
    with copy as ${copy}
    insert into message_parts (id, org_id, message_id, index, step_index, type, content, tool_name, tool_call_id, tool_duration_ms, started_at, completed_at)
    select gen_random_uuid(), org_id, copy.new, index, step_index, type, content, tool_name, tool_call_id, tool_duration_ms, started_at, completed_at
    from message_parts join copy on copy.old = message_parts.message_id where org_id = ${orgId}`)
  await tx.update(conversations).set({ shownMessageId: copies.at(-1)?.new ?? null }).where(and(eq(conversations.orgId, orgId), eq(conversations.id, to)))
}
