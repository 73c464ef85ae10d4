import type { Trace, TraceSteps } from '#shared/traces'
import type { Translate } from './translate'

type TraceStep = keyof TraceSteps['at']

/** A stretch of a call, in ms from its beginning. */
export interface TimelineStep { label: string, startMs: number, endMs: number, isFailed: boolean }

/** What is done until each step of our own part is passed. */
const ownSteps: TraceStep[] = ['auth', 'read', 'policy', 'hold', 'attempt']

/** What a call spent its time on, as far as its trace tells: our own part, each attempt, of the one that answered the wait for its first byte apart from the rest, and the capture. */
export function timelineOf(trace: Trace, t: Translate): TimelineStep[] {
  const own = trace.steps ? timeOwnSteps(trace, trace.steps.at, t) : [timeOwnPart(trace, t)]
  const attempts = timeAttempts(trace, t, own.at(-1)?.endMs ?? 0)
  return [...own, ...attempts, ...timeCapture(trace, t)]
}

function timeOwnSteps(trace: Trace, at: Partial<Record<TraceStep, number>>, t: Translate): TimelineStep[] {
  const steps: TimelineStep[] = []
  let startMs = 0
  for (const name of ownSteps) {
    const endMs = at[name]
    if (endMs === undefined) continue
    steps.push({ label: t(`trace.timeline.steps.${name}`), startMs, endMs, isFailed: false })
    startMs = endMs
  }
  // Refused on the way, or answered from the cache.
  if (at.attempt === undefined) steps.push({ label: t(trace.statusCode >= 400 ? 'trace.timeline.refused' : 'trace.timeline.answeredFromTheCache'), startMs, endMs: at.end ?? at.capture ?? trace.latencyMs, isFailed: trace.statusCode >= 400 })
  return steps
}

/** Of calls from before steps were kept: what was not an attempt and came before the first; an answered call's overhead, or all of a refused one. */
function timeOwnPart(trace: Trace, t: Translate): TimelineStep {
  const attempted = trace.attempts.reduce((sum, { latencyMs }) => sum + latencyMs, 0)
  const endMs = trace.attempts.length === 0 ? trace.latencyMs : Math.min(trace.gatewayOverheadMs, Math.max(trace.latencyMs - attempted, 0) || trace.gatewayOverheadMs)
  return { label: t('trace.timeline.own'), startMs: 0, endMs, isFailed: trace.attempts.length === 0 && trace.statusCode >= 400 }
}

function timeAttempts(trace: Trace, t: Translate, beginMs: number): TimelineStep[] {
  const steps: TimelineStep[] = []
  const endMs = trace.steps?.at.end ?? trace.latencyMs
  let at = beginMs
  for (const [index, attempt] of trace.attempts.entries()) {
    const isFailed = attempt.error !== null
    const firstByteMs = trace.steps?.at.first_byte ?? trace.ttfbMs
    const answeredAt = index === trace.attempts.length - 1 && !isFailed && firstByteMs !== null ? Math.max(firstByteMs, at) : undefined
    steps.push({ label: t('trace.timeline.attempt', { connection: attempt.connection, what: answeredAt === undefined ? attempt.model : t('trace.timeline.toTheFirstByte') }), startMs: at, endMs: answeredAt ?? at + attempt.latencyMs, isFailed })
    at = answeredAt ?? at + attempt.latencyMs
    if (answeredAt !== undefined && endMs > answeredAt) steps.push({ label: t(trace.steps ? 'trace.timeline.answerAlone' : 'trace.timeline.answer'), startMs: answeredAt, endMs, isFailed: trace.statusCode >= 400 })
  }
  return steps
}

function timeCapture({ steps }: Trace, t: Translate): TimelineStep[] {
  const { end, capture } = steps?.at ?? {}
  return end !== undefined && capture !== undefined && capture > end ? [{ label: t('trace.timeline.capture'), startMs: end, endMs: capture, isFailed: false }] : []
}
