import { and, eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations } from '../../db/schema'
import type { Usage } from '../gateway/usage'
import { toStorableText } from '../../shared/json'
import type { MessagePart } from '../../shared/messages'

/** What the calls of an answer took, all together. */
export interface AnswerCharge {
  provider: string
  usage: Pick<Usage, 'inputTokens' | 'outputTokens' | 'cachedInputTokens' | 'reasoningTokens'>
  costNanoUsd: bigint
}

/** Adds what an answer took, and what its tools did, to its conversation, which was active just now. Once an answer, in the transaction that settles it. */
export async function addToTotals(tx: Orm, orgId: string, conversationId: string, taken: AnswerCharge | undefined, parts: readonly MessagePart[]): Promise<void> {
  const usage = taken?.usage
  await tx.update(conversations)
    .set({
      lastActiveAt: sql`now()`,
      provider: taken?.provider,
      inputTokens: sql`${conversations.inputTokens} + ${usage?.inputTokens ?? 0}`,
      outputTokens: sql`${conversations.outputTokens} + ${usage?.outputTokens ?? 0}`,
      cachedInputTokens: sql`${conversations.cachedInputTokens} + ${usage?.cachedInputTokens ?? 0}`,
      reasoningTokens: sql`${conversations.reasoningTokens} + ${usage?.reasoningTokens ?? 0}`,
      ...toolTotals(parts),
      cost: sql`${conversations.cost} + ${(taken?.costNanoUsd ?? 0n).toString()}::bigint`
    })
    .where(and(eq(conversations.orgId, orgId), eq(conversations.id, conversationId)))
}

/** Nothing to change where no tool was called. */
function toolTotals(parts: readonly MessagePart[]) {
  const results = parts.filter(part => part.type === 'tool_result')
  if (results.length === 0) return {}
  const counts = Object.fromEntries(Object.entries(Object.groupBy(results, ({ toolName }) => toStorableText(toolName))).map(([name, calls]) => [name, calls?.length ?? 0]))
  return {
    toolTimeMs: sql`${conversations.toolTimeMs} + ${results.reduce((sum, { durationMs = 0 }) => sum + durationMs, 0)}`,
    toolCounts: sql`(select jsonb_object_agg(name, calls) from (
      select key as name, sum(value::bigint) as calls from (
        select * from jsonb_each_text(${conversations.toolCounts}) union all select * from jsonb_each_text(${JSON.stringify(counts)}::jsonb)
      ) each group by key
    ) totals)`
  }
}
