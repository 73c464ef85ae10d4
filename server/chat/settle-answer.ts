import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations, messages } from '../../db/schema'
import { toStorableText } from '../../shared/json'
import type { MessagePart } from '../../shared/messages'
import type { AnswerOutcome } from './add-outcome'
import { addToTotals } from './add-to-totals'
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
  return error ? { status: 'error', error: { code: error.code, message: toStorableText(error.message) } } : { status: 'complete', error: null }
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
    // Its conversation first, as an answer begins: the other way round, one would wait for the other.
    await tx.select({ id: conversations.id }).from(conversations)
      .where(and(eq(conversations.orgId, orgId), eq(conversations.id, sql`(select conversation_id from ${messages} where org_id = ${orgId} and id = ${messageId})`)))
      .for('no key update')
    const settled = await tx.update(messages)
      .set({ status: end.status, error: end.error?.message, errorType: end.error?.code, ...(outcome && figuresOf(outcome)) })
      .where(and(eq(messages.orgId, orgId), eq(messages.id, messageId), inArray(messages.status, ['pending', 'streaming'])))
      .returning({ conversationId: messages.conversationId })
    if (settled[0]) {
      await storeParts(tx, orgId, messageId, parts)
      await dropEvents(tx, orgId, [messageId])
      await addToTotals(tx, orgId, settled[0].conversationId, outcome && { provider: outcome.head.provider, usage: outcome.usage, costNanoUsd: outcome.costNanoUsd }, parts)
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
