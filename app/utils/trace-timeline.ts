import type { Trace } from '#shared/traces'
import type { Translate } from './translate'

/** A stretch of a call, in ms from its beginning. */
export interface TimelineStep { label: string, startMs: number, endMs: number, isFailed: boolean }

/**
 * What a call spent its time on, as far as its trace tells: our own part (authentication, policy, hold) first, then each attempt, and of the one that answered
 * the wait for its first byte apart from the rest.
 */
export function timelineOf(trace: Trace, t: Translate): TimelineStep[] {
  const attempted = trace.attempts.reduce((sum, { latencyMs }) => sum + latencyMs, 0)
  // What was not an attempt and came before the first: an answered call's overhead, or all of a refused one.
  const ownMs = trace.attempts.length === 0 ? trace.latencyMs : Math.min(trace.gatewayOverheadMs, Math.max(trace.latencyMs - attempted, 0) || trace.gatewayOverheadMs)
  const steps: TimelineStep[] = [{ label: t('trace.timeline.own'), startMs: 0, endMs: ownMs, isFailed: trace.attempts.length === 0 && trace.statusCode >= 400 }]
  let at = ownMs
  for (const [index, attempt] of trace.attempts.entries()) {
    const isLast = index === trace.attempts.length - 1
    const isFailed = attempt.error !== null
    const answeredAt = isLast && !isFailed && trace.ttfbMs !== null ? Math.max(trace.ttfbMs, at) : undefined
    steps.push({ label: t('trace.timeline.attempt', { connection: attempt.connection, what: answeredAt === undefined ? attempt.model : t('trace.timeline.toTheFirstByte') }), startMs: at, endMs: answeredAt ?? at + attempt.latencyMs, isFailed })
    at = answeredAt ?? at + attempt.latencyMs
    if (answeredAt !== undefined && trace.latencyMs > answeredAt) steps.push({ label: t('trace.timeline.answer'), startMs: answeredAt, endMs: trace.latencyMs, isFailed: trace.statusCode >= 400 })
  }
  return steps
}
