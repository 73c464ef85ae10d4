import { toUsdDecimal } from '../../shared/money'
import type { Units } from '../billing/units'
import type { Target } from '../catalog/target'
import type { ErrorCode } from '../errors'
import { LoomError } from '../errors'
import type { KeptAnswer } from '../idempotency/keep-answer'
import type { CallSpan } from '../operations/call-span'
import { sealBody } from '../traces/seal-body'
import type { BodySide } from '../traces/seal-body'
import type { Admission } from './apply-policy'
import type { CallToCapture } from './capture'
import { paysCost } from './charge'
import type { AnswerHead, CallContext, CallOutcome } from './call-context'
import { costOf, describeCharge } from './describe-charge'
import { describeSteps } from './describe-steps'
import { countTextTokens } from './count-tokens'
import type { GivenIds } from './given-ids'
import type { Gateway } from './gateway'
import type { Hold } from './hold-budget'
import type { Attempt, Progress } from './open-upstream'
import type { Made, StreamTap, WholeAnswer } from './operations/operation'
import type { Surcharge } from './operations/unpriced'
import { UnansweredError } from './transport'
import type { Usage } from './usage'
import { noUsage, storable } from './usage'

/** For want of money, of a free reference or of a database: a call refused so before anybody worked on it counts as none. */
const UNCOUNTED: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['insufficient_funds', 'budget_exceeded', 'ref_id_conflict', 'service_unavailable'])

/** How much of a body the trace of a call keeps that was refused before any provider was asked: nobody pays for those. */
const MAX_REFUSED_BYTES = 64 * 1024

/** An answer as it was given, whole or in part. */
interface Answered {
  usage: Usage
  usageSource: CallOutcome['usageSource']
  rawUsage: unknown
  surcharge?: Surcharge | undefined
  /** None came in time: what is charged is the prompt, and no price of the caller's own. */
  isUnanswered?: boolean
  responseBody: Buffer | null
  givenIds?: (() => string[]) | undefined
  /** What is still to be sent: the whole answer, or what ends its stream. Null where nobody gets one. */
  rest: { contentType: string, bytes: Buffer } | null
  error: LoomError | null
}

/** What is known of a call so far, and its way into the ledger. */
export class CallRecord implements Progress {
  readonly attempts: Attempt[] = []
  /** Undefined unless calls are traced. */
  readonly span: CallSpan | undefined
  target: Target | undefined
  admission: Admission | undefined
  hold: Hold | null = null
  /** The cap put on the answer because the wallet pays for no more. */
  maxOutputTokens: number | undefined
  /** Reads the answer of a call that streams, once it has begun. */
  tap: StreamTap | undefined
  /** Some of a stream has gone out: however it ends, its status has been told. */
  hasBegun = false
  /** Its rules are being asked, or were. */
  isJudged = false
  admittedAt: number | undefined
  heldAt: number | undefined
  dispatchedAt: number | undefined
  firstByteAt: number | undefined
  upstreamEndedAt: number | undefined
  cache: AnswerHead['cache'] = 'none'
  cacheAgeMs: number | undefined
  readonly createdAt = new Date()
  /** Null: it was refused after its limits had let it pass. */
  private usedTokens: number | null = 0

  constructor(private readonly gateway: Gateway, readonly context: CallContext) {
    this.span = gateway.tracing?.begin(context)
  }

  passed(step: 'policy' | 'hold'): void {
    this[step === 'policy' ? 'admittedAt' : 'heldAt'] = performance.now()
    this.span?.step(step)
  }

  head(): AnswerHead {
    return {
      requestId: this.context.requestId,
      provider: this.target?.connection.kind ?? 'none',
      model: this.target?.upstreamModel ?? this.context.request.model,
      attempts: this.attempts.length,
      overheadMs: this.overheadMs(),
      admission: this.admission,
      maxOutputTokens: this.maxOutputTokens,
      cache: this.cache,
      cacheAgeMs: this.cacheAgeMs
    }
  }

  /** What the caller's org is charged for this usage. */
  cost(usage: Usage): bigint {
    return costOf(this, usage)
  }

  /** Whether a call that got no answer in time is charged its prompt: one that brings a price of its own only where its org owes the cost. */
  get isChargedUnanswered(): boolean {
    const { target, context } = this
    return context.billing.amount === null || (target !== undefined && paysCost(context, target))
  }

  /**
   * What the call used: as the provider told, else by our own count of the `text` it made and of what it `made` that is no text.
   * @param units told in the answer; what it tells none of, the request itself measures
   */
  async measureUsage(told: Usage | undefined, units: Units | undefined, text: () => string, made: Made & Pick<WholeAnswer, 'timesWritten'> & Pick<StreamTap, 'untoldTokens'> = {}): Promise<{ usage: Usage, usageSource: 'provider' | 'estimated' }> {
    const { untoldTokens: untold = 0 } = made
    const tokens = told ? { ...told, outputTokens: told.outputTokens + untold } : await this.countUsage(text(), made, made.timesWritten)
    const used = units ?? this.context.request.measure?.()
    const isTold = (told !== undefined && untold === 0) || (units !== undefined && this.target?.price?.byUnitsAlone === true)
    return { usage: used ? { ...tokens, units: used } : tokens, usageSource: isTold ? 'provider' : 'estimated' }
  }

  private async countUsage(text: string, { outputTokens: made = 0, audioOutputTokens: spoken = 0 }: Made, times = 1): Promise<Usage> {
    const [inputTokens, outputTokens] = await Promise.all([this.context.request.countInput(this.target), countTextTokens(text)])
    return { ...noUsage, inputTokens, outputTokens: Math.ceil(outputTokens * times) + made, ...(spoken > 0 && { audioOutputTokens: spoken }) }
  }

  /** Charges an answer that was given, whole or in part. */
  async capture(answered: Answered): Promise<CallOutcome> {
    const { usage, usageSource, rawUsage, surcharge, isUnanswered, responseBody } = answered
    const costNanoUsd = costOf(this, usage, isUnanswered)
    // No provider wrote a cached answer.
    this.usedTokens = this.cache === 'hit' ? 0 : usage.inputTokens + usage.outputTokens
    const finished = this.finished(usage, responseBody, answered.error)
    if (surcharge) this.reportSurcharge(surcharge)
    // What costs nothing and was not held has its trace, and no line in the ledger.
    const charge = this.cache === 'hit' && !this.hold ? null : { costNanoUsd, usageSource, rawUsage: storable(rawUsage), price: describeCharge(this, { usage, costNanoUsd, surcharge, isUnanswered }) }
    const failure = await this.gateway.capturer.capture({ ...finished, charge, kept: this.keep(answered, costNanoUsd), given: this.given(answered) }, finished.isStream).then(() => undefined, toLoomError)
    this.span?.step('capture')
    return failure ? this.outcome(failure, noUsage, usageSource, 0n) : this.outcome(answered.error, usage, usageSource, costNanoUsd, responseBody)
  }

  /** Nobody who pays is let through with what costs more than we charge: where it shows in the answer alone, an operator is to know. */
  private reportSurcharge(surcharge: Surcharge): void {
    const { target, context: { requestId, caller, billing } } = this
    if (this.cache === 'hit' || !target || !paysCost({ billing, caller }, target)) return
    this.gateway.metrics.surcharges.inc({ what: surcharge })
    this.gateway.log.warn({ requestId, orgId: caller.orgId, unpriced: surcharge }, 'An answer costs more than its tokens, for which it was charged')
  }

  /**
   * Ends a call without an answer. Charged is only one that was given up while a provider was working, by a caller who left or for its time: for its prompt.
   */
  async fail(error: LoomError): Promise<CallOutcome> {
    if (error.code === 'internal_error') this.gateway.log.error({ err: error.cause, requestId: this.context.requestId }, 'A call failed on our side')
    const isUnanswered = error instanceof UnansweredError
    if ((isUnanswered && this.isChargedUnanswered) || (error.code === 'caller_gone' && this.attempts.at(-1)?.error === 'caller_gone')) {
      const { usage } = await this.measureUsage(undefined, undefined, () => '')
      return await this.capture({ usage, usageSource: 'partial', rawUsage: undefined, isUnanswered, responseBody: null, rest: null, error })
    }
    if (this.dispatchedAt === undefined && UNCOUNTED.has(error.code)) this.usedTokens = null
    const finished = this.finished(noUsage, null, error)
    // Nobody waits for the trace of a refusal; a hold is given back before the caller is told.
    const captured = this.gateway.capturer.capture({ ...finished, charge: null, kept: this.context.keeper && null }, false).catch((cause: unknown) => {
      this.gateway.log.warn({ err: cause, requestId: finished.id }, 'A failed call could not be recorded yet')
    })
    if (this.hold) await captured
    return this.outcome(error, noUsage, 'provider', 0n)
  }

  /** The answer as it is kept for a repeat, where the caller claimed an `Idempotency-Key`. */
  private keep({ rest }: Answered, costNanoUsd: bigint): KeptAnswer | null | undefined {
    const { keeper, requestId } = this.context
    if (!keeper) return undefined
    // Charged for its prompt at most: a repeat is to find an answer.
    if (this.firstByteAt === undefined) return null
    if (rest) keeper.push(rest.bytes)
    // Broken off, with no way to say so in its format: it cannot be given again, but its call was charged.
    else keeper.drop()
    const { provider, model, attempts, cache } = this.head()
    const answeredBy = this.target && { connection: this.target.connection.name, servedModel: this.target.servedModel }
    return keeper.seal({ requestId, contentType: rest?.contentType ?? '', provider, model, ...answeredBy, attempts, cache, costUsd: this.tap ? null : toUsdDecimal(costNanoUsd) })
  }

  /** What the answer gave its org to name, where that is to be remembered; a cached one, too, which may be older than what is written down of it. */
  private given({ givenIds }: Answered): GivenIds | undefined {
    const { target, context } = this
    if (!givenIds || !target || !context.request.keepsGivenIds) return undefined
    return { orgId: context.caller.orgId, connectionId: target.connection.id, ids: givenIds() }
  }

  release(): void {
    this.admission?.release(this.usedTokens)
  }

  private finished(usage: Usage, responseBody: Buffer | null, error: LoomError | null): Omit<CallToCapture, 'charge'> {
    const { context, target } = this
    const { caller, request } = context
    const question = request.record?.() ?? request.raw
    const now = performance.now()
    const isKept = error === null || this.dispatchedAt !== undefined || question.length <= MAX_REFUSED_BYTES
    const seal = (side: BodySide, body: Buffer | null) => body && caller.traceBodies
      ? sealBody(this.gateway.keyring.forOrg(caller.orgId, caller.encryptionSalt), caller.orgId, context.requestId, side, body)
      : null
    return {
      id: context.requestId,
      createdAt: this.createdAt,
      orgId: caller.orgId,
      projectId: caller.projectId,
      apiKeyId: caller.apiKeyId,
      userId: caller.userId,
      conversationId: context.conversationId ?? null,
      messageId: context.messageId ?? null,
      endpoint: context.endpoint,
      requestedModel: request.model,
      model: target?.upstreamModel ?? request.model,
      provider: target?.connection.kind ?? 'none',
      statusCode: error?.status ?? 200,
      errorType: error?.code ?? null,
      // An answer may come whole though a stream was asked for.
      isStream: request.stream && (this.tap !== undefined || this.firstByteAt === undefined),
      cache: this.cache,
      attempts: this.attempts,
      latencyMs: now - context.receivedAt,
      ttfbMs: this.ttfbMs(),
      gatewayOverheadMs: this.overheadMs(now),
      usage,
      hold: this.hold,
      encryptionKeyVersion: caller.encryptionKeyVersion,
      request: seal('request', isKept ? question : null),
      response: seal('response', responseBody),
      tags: context.tags,
      ...describeSteps(this, error, now)
    }
  }

  private outcome(error: LoomError | null, usage: Usage, usageSource: CallOutcome['usageSource'], costNanoUsd: bigint, responseBody: Buffer | null = null): CallOutcome {
    const head = this.head()
    const latencyMs = performance.now() - this.context.receivedAt
    const outcome: CallOutcome = { head, usage, usageSource, costNanoUsd, latencyMs, ttfbMs: this.ttfbMs(), toldStatus: error && !this.hasBegun ? error.status : 200, answer: null, ending: error && this.tap ? this.tap.failure(error) : null, error }
    this.tell(outcome, responseBody)
    return outcome
  }

  /** It is settled by now: whatever goes wrong while it is told of must not fail it. */
  private tell(outcome: CallOutcome, responseBody: Buffer | null): void {
    try {
      this.gateway.observe(this.context, outcome)
      this.span?.end(outcome, this.target, responseBody)
    } catch (error) {
      this.gateway.metrics.failures.inc({ what: 'observe' })
      this.gateway.log.error({ err: error, requestId: this.context.requestId }, 'A call could not be counted, or not be logged')
    }
  }

  private ttfbMs(): number | null {
    return this.firstByteAt === undefined ? null : this.firstByteAt - this.context.receivedAt
  }

  /** Time since the call arrived, less the time the provider had it. */
  private overheadMs(now = performance.now()): number {
    const upstreamMs = this.dispatchedAt === undefined ? 0 : (this.upstreamEndedAt ?? this.firstByteAt ?? now) - this.dispatchedAt
    return now - this.context.receivedAt - upstreamMs
  }
}

/** Whatever was thrown, as a caller may hear of it. */
export function toLoomError(cause: unknown): LoomError {
  return cause instanceof LoomError ? cause : new LoomError('internal_error', 'Something went wrong on our side. Nothing was charged; try again.', { cause })
}
