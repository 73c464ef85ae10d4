import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations, messages } from '../../db/schema'
import type { MessagePart } from '../../shared/messages'
import type { AnswerOutcome } from './add-outcome'
import type { EndEvent } from './read-answer'
import type { StopReason } from './running-answers'
import { endEvent, readAnswer } from './read-answer'
import { dropEvents } from './read-events'
import { storeParts } from './store-parts'

/** How an answer ended: `error` is what its message will say, null when it is whole or was stopped by its user. */
export interface AnswerEnd {
  status: 'complete' | 'error' | 'aborted'
  error: { code: string, message: string } | null
}

/** What an answer took. */
export interface AnswerFigures extends AnswerOutcome {
  /** Questions of the thread, with their answers, that the model was not sent. */
  leftOutTurns: number
}

const interruptions: Record<Exclude<StopReason, 'stopped'>, NonNullable<AnswerEnd['error']>> = {
  shutdown: { code: 'interrupted', message: 'Loom was stopped while it wrote this answer. Retry it.' },
  taken_over: { code: 'interrupted', message: 'The server writing this answer did not respond for a while. Retry it.' },
  too_long: { code: 'upstream_error', message: 'The answer was longer than Loom keeps, so it was cut here.' }
}

export function answerEnd(stopReason: StopReason | undefined, error: AnswerEnd['error']): AnswerEnd {
  if (stopReason === 'stopped') return { status: 'aborted', error: null }
  if (stopReason) return { status: 'error', error: interruptions[stopReason] }
  return error ? { status: 'error', error: { code: error.code, message: error.message } } : { status: 'complete', error: null }
}

/**
 * Stores how an answer ended: its parts in place of its log, its figures and the conversation's totals, in one transaction. An answer that was
 * settled before (by a replica that took this one for gone) stays as it is and counts once. Safe to repeat.
 * @returns the event that ends the answer's stream, with both rows as stored
 */
export async function settleAnswer(
  orm: Orm, orgId: string, messageId: string, end: AnswerEnd, outcome: AnswerFigures | undefined, parts: readonly MessagePart[]
): Promise<EndEvent> {
  return orm.transaction(async (tx) => {
    const settled = await tx.update(messages)
      .set({ status: end.status, error: end.error?.message, errorType: end.error?.code, ...(outcome && figuresOf(outcome)) })
      .where(and(eq(messages.orgId, orgId), eq(messages.id, messageId), inArray(messages.status, ['pending', 'streaming'])))
      .returning({ conversationId: messages.conversationId })
    if (settled[0]) {
      await storeParts(tx, orgId, messageId, parts)
      await dropEvents(tx, orgId, [messageId])
      await addToTotals(tx, orgId, settled[0].conversationId, outcome, parts)
    }
    return endEvent(await readAnswer(tx, orgId, messageId))
  })
}

function figuresOf(outcome: AnswerFigures) {
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = outcome.usage
  return {
    provider: outcome.head.provider,
    model: outcome.head.model,
    inputTokens,
    outputTokens,
    cachedInputTokens,
    reasoningTokens,
    contextTokens: outcome.contextTokens,
    leftOutTurns: outcome.leftOutTurns,
    cost: outcome.costNanoUsd,
    latencyMs: Math.round(outcome.latencyMs),
    ttfbMs: outcome.ttfbMs === null ? null : Math.round(outcome.ttfbMs),
    traceId: outcome.head.requestId
  }
}

async function addToTotals(tx: Orm, orgId: string, conversationId: string, outcome: AnswerOutcome | undefined, parts: readonly MessagePart[]): Promise<void> {
  const usage = outcome?.usage
  await tx.update(conversations)
    .set({
      lastActiveAt: sql`now()`,
      provider: outcome?.head.provider,
      inputTokens: sql`${conversations.inputTokens} + ${usage?.inputTokens ?? 0}`,
      outputTokens: sql`${conversations.outputTokens} + ${usage?.outputTokens ?? 0}`,
      cachedInputTokens: sql`${conversations.cachedInputTokens} + ${usage?.cachedInputTokens ?? 0}`,
      reasoningTokens: sql`${conversations.reasoningTokens} + ${usage?.reasoningTokens ?? 0}`,
      ...toolTotals(parts),
      cost: sql`${conversations.cost} + ${(outcome?.costNanoUsd ?? 0n).toString()}::bigint`
    })
    .where(and(eq(conversations.orgId, orgId), eq(conversations.id, conversationId)))
}

/** Nothing to change where no tool was called. */
function toolTotals(parts: readonly MessagePart[]) {
  const results = parts.filter(part => part.type === 'tool_result')
  if (results.length === 0) return {}
  const counts = Object.fromEntries(Object.entries(Object.groupBy(results, ({ toolName }) => toolName)).map(([name, calls]) => [name, calls?.length ?? 0]))
  return {
    toolTimeMs: sql`${conversations.toolTimeMs} + ${results.reduce((sum, { durationMs = 0 }) => sum + durationMs, 0)}`,
    toolCounts: sql`(select jsonb_object_agg(name, calls) from (
      select key as name, sum(value::bigint) as calls from (
        select * from jsonb_each_text(${conversations.toolCounts}) union all select * from jsonb_each_text(${JSON.stringify(counts)}::jsonb)
      ) each group by key
    ) totals)`
  }
}
