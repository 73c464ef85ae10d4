import { toUsdDecimal } from '../../shared/money'
import { LoomError } from '../errors'
import { callBudgets } from './call-budgets'
import { CacheUse } from './cache-use'
import type { CallContext, CallOutcome, CallSink } from './call-context'
import { CallRecord, toLoomError } from './call-record'
import { countTextTokens } from './count-tokens'
import type { Gateway } from './gateway'
import type { Opened } from './open-upstream'
import { openUpstream } from './open-upstream'
import { planCall } from './plan-call'
import { policyRequest } from './policy-request'
import type { Transport } from './providers/provider'
import { redactFailure } from './providers/upstream-failure'
import { relayStream } from './relay-stream'
import { traceHeaders } from './trace-context'
import { UnansweredError } from './transport'
import type { Usage } from './usage'

/**
 * The road every call takes: policy → hold → route → call → capture (who calls is known already). Never throws:
 * a refusal or failure is the outcome's `error`, and by then the hold is settled and the trace written.
 */
export async function runCall(gateway: Gateway, context: CallContext, sink: CallSink): Promise<CallOutcome> {
  const { request, caller, billing } = context
  const call = new CallRecord(gateway, context)
  const timer = setTimeout(() => context.abort.abort(new LoomError('upstream_timeout', 'The call took longer than is allowed in total.')), gateway.config.UPSTREAM_TOTAL_TIMEOUT_MS)
  gateway.running.begun(context.abort)
  try {
    const plan = await planCall(gateway, context)
    const { targets, amount: most } = plan
    call.isJudged = true
    call.admission = await gateway.policy.admit(caller, policyRequest(context, plan))
    call.passed('policy')

    const cache = CacheUse.of(gateway, call, targets)
    const cached = await cache?.find(targets)
    const amount = cached ? call.cost(cached.usage) : most
    if (cached && amount === 0n) return await finish(call, cached.opened, sink)
    const hold = { id: context.requestId, orgId: caller.orgId, refId: billing.refId ?? context.requestId, apiKeyId: caller.apiKeyId, amount, budgets: callBudgets(caller) }
    call.hold = await gateway.budget.hold(hold, cached ? undefined : plan.lower, context.abort.signal)
    if (call.hold.kind === 'own' && call.hold.offer?.maxOutputTokens !== undefined) {
      call.maxOutputTokens = call.hold.offer.maxOutputTokens
      request.limitOutput?.(call.maxOutputTokens)
    }
    call.passed('hold')
    context.abort.signal.throwIfAborted()
    if (cached) return await finish(call, cached.opened, sink)

    call.dispatchedAt = performance.now()
    const opened = await openUpstream(request, targets, {
      orgId: caller.orgId,
      health: gateway.health,
      latencies: gateway.latencies,
      transport: call.span?.carry(gateway.pools.send) ?? carryTrace(context, gateway.pools.send),
      retries: gateway.config.UPSTREAM_RETRIES,
      signal: context.abort.signal,
      progress: call,
      observe: (attempt, target) => {
        gateway.metrics.attempts.inc({ provider: attempt.provider, outcome: attempt.error === null ? 'ok' : 'error' })
        call.span?.attempted(attempt, target)
      },
      record: cache && (response => cache.record(response))
    })
    const outcome = await finish(call, opened, sink)
    // One cut short for want of funds is not what another would get.
    if (!outcome.error && call.maxOutputTokens === undefined) cache?.keep(outcome.usage)
    return outcome
  } catch (cause) {
    return await call.fail(toLoomError(cause))
  } finally {
    clearTimeout(timer)
    call.release()
    gateway.running.ended(context.abort)
  }
}

/** Without spans of our own, the provider's are the caller's children. */
function carryTrace({ traceContext }: CallContext, send: Transport): Transport {
  if (!traceContext) return send
  const headers = traceHeaders(traceContext)
  return (request, signal) => send({ ...request, headers: { ...request.headers, ...headers } }, signal)
}

function finish(call: CallRecord, opened: Opened, sink: CallSink): Promise<CallOutcome> {
  call.firstByteAt = performance.now()
  return opened.kind === 'whole' ? finishWhole(call, opened) : finishStream(call, opened, sink)
}

async function finishWhole(call: CallRecord, { answer }: Extract<Opened, { kind: 'whole' }>): Promise<CallOutcome> {
  call.upstreamEndedAt = call.firstByteAt
  const { usage, usageSource } = await call.measureUsage(answer.usage, answer.units, answer.text, answer)
  const body = answer.finish(usage)
  const { contentType } = answer
  const outcome = await call.capture({ usage, usageSource, rawUsage: answer.rawUsage, surcharge: answer.surcharge, responseBody: answer.record?.() ?? body, givenIds: answer.givenIds, rest: { contentType, bytes: body }, error: null })
  return outcome.error ? outcome : { ...outcome, answer: { contentType, body } }
}

async function finishStream(call: CallRecord, opened: Extract<Opened, { kind: 'stream' }>, sink: CallSink): Promise<CallOutcome> {
  const { tap } = opened
  call.tap = tap
  sink.begin(call.head(), tap.contentType)
  const { error: failure, endedAt, hasBegun } = await relayStream(opened.first, opened.body, sink, tap, call.context.abort.signal)
  const error = failure && redactFailure(failure, opened.target.connection)
  call.hasBegun = hasBegun
  call.span?.step('relay')
  const delivered = opened.delivered()
  // Nothing came but the failure: that is no answer, and is not charged, unless its provider was at work on one when nobody waited any longer, or took more.
  const isEmpty = !tap.usage?.outputTokens && delivered.text === '' && !delivered.outputTokens && !delivered.tokensSoFar
  const isUnanswered = isEmpty && (error?.code === 'upstream_timeout' || error instanceof UnansweredError)
  if (error && isEmpty && error.code !== 'caller_gone' && !(isUnanswered && call.isChargedUnanswered)) throw error
  // Given out before the capture, as all that came before it was.
  const undelivered = error && tap.undelivered?.()
  if (undelivered?.length) sink.write(undelivered)
  call.hasBegun ||= Boolean(undelivered?.length)
  call.upstreamEndedAt = endedAt
  const measured = await call.measureUsage(tap.usage, tap.units, () => delivered.text, delivered)
  const usage = tap.usage ? measured.usage : await withSummary({ ...measured.usage, ...tap.inputUsage, outputTokens: Math.max(measured.usage.outputTokens, delivered.tokensSoFar ?? 0) }, tap.summary)
  const usageSource = measured.usageSource === 'estimated' && error ? 'partial' : measured.usageSource
  const ending = error ? tap.failure(error) : tap.closing(usage, toUsdDecimal(call.cost(usage)))
  const outcome = await call.capture({ usage, usageSource, rawUsage: tap.rawUsage, surcharge: tap.surcharge, isUnanswered, responseBody: tap.record(), givenIds: () => tap.givenIds?.() ?? [], rest: ending && { contentType: tap.contentType, bytes: ending }, error: error ?? null })
  return outcome.error ? outcome : { ...outcome, ending }
}

/** A summary was read after the prompt it was made of, on which the provider tells nothing before the end. */
async function withSummary(usage: Usage, summary = ''): Promise<Usage> {
  return summary ? { ...usage, inputTokens: usage.inputTokens + await countTextTokens(summary) } : usage
}
