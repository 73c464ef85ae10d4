import { setTimeout as sleep } from 'node:timers/promises'
import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import type { Database } from '../../db/client'
import { transactionStatuses } from '../../shared/billing'
import { captureCalls } from '../billing/capture-calls'
import type { CaptureOutcome, Shortfall } from '../billing/capture-calls'
import { canDraw, drawCalls } from '../billing/draw-calls'
import { budgetsOf } from '../billing/finished-call'
import type { FinishedCall } from '../billing/finished-call'
import { holdAtMost } from '../billing/hold-at-most'
import { findRef, keepRef } from '../billing/late-ref'
import { refundWithdrawn } from '../billing/refund-withdrawn'
import { LoomError } from '../errors'
import { releaseClaim } from '../idempotency/sweep-claims'
import type { Log } from '../operations/log'
import type { Metrics } from '../operations/metrics'
import { keepRuleLists } from '../traces/rule-lists'
import type { RuleList } from '../traces/rule-lists'
import { Batcher } from './batcher'
import type { GivenIds } from './given-ids'
import { keepGivenIds } from './given-ids'
import type { BudgetHolder, Hold } from './hold-budget'
import { isItemFault, isLockTimeout, isRowFault } from './row-fault'

/** Calls carry their bodies, so a batch is bounded more tightly than one of holds. */
const MAX_BATCH = 200
/** How long an answer waits for a database that is gone before its caller is told. */
const PATIENCE_MS = 10_000
const RETRY_PAUSE_MS = 250
/** Each look at a locked row holds others up until it is given up. */
const LOCKED_PAUSE_MS = 5_000

const OwnTransaction = z.object({ status: z.enum(transactionStatuses), ref_id: z.string() })

/** Of as many rule lists it is remembered that they are written down; to write one again is no harm. */
const MAX_LISTS = 10_000

/** A finished call with the hold as the process keeps it, what its answer gave the org to name, and the rules that its trace names. */
export type CallToCapture = FinishedCall & { hold: Hold | null, given?: GivenIds | undefined, rules?: RuleList }

/** The billing ref of a late call is held by a repeat of it, which may be charged yet, or fail. */
class RepeatUnderWay extends Error {
  override name = 'RepeatUnderWay'
  override message = 'Another call with the same billing reference is under way'
}

/** Step 6 of the road: what a call used and cost becomes durable before its last byte is sent. */
export class Capturer {
  private readonly batcher: Batcher<CallToCapture, CaptureOutcome>
  private readonly background = new Set<Promise<void>>()
  /** Rule lists that are written down, by id. */
  private readonly writtenLists = new Set<string>()
  private stopping = false

  constructor(private readonly db: Database, private readonly replicaId: string, private readonly metrics: Metrics, private readonly log: Log, private readonly budget: BudgetHolder) {
    this.batcher = new Batcher((calls) => {
      metrics.batchSize.observe({ batch: 'capture' }, calls.length)
      return this.captureBatch(calls)
    }, MAX_BATCH, isItemFault)
  }

  /**
   * Resolves once the call is committed.
   * @throws {LoomError} `service_unavailable` when it could not be within 10 s. The call is then not lost: a delivered
   * one is charged when the database is back, an undelivered one (`delivered` false) gives its hold back, or what it was charged unheard.
   */
  async capture(call: CallToCapture, delivered: boolean): Promise<void> {
    try {
      await this.settle(call)
    } catch (cause) {
      this.metrics.failures.inc({ what: 'capture' })
      this.log.error({ err: cause, requestId: call.id }, 'A call could not be captured in time; it will be when the database is back')
      if (delivered) this.keepTrying(call)
      // It may be charged all the same: a commit whose news was lost is one.
      else this.keepTrying(this.withdraw(call), call.charge ? () => refundWithdrawn(this.db.orm, call.orgId, call.id) : undefined)
      throw new LoomError('service_unavailable', 'The answer could not be recorded, so it is not given out. Try again shortly.', { cause, retryAfterSeconds: 2 })
    }
  }

  /** Waits for everything under way; what a dead database still refuses then is left to the holds' sweeper. */
  async stop(): Promise<void> {
    // First, so that retries end: with the database dead, they would keep the batcher busy for good.
    this.stopping = true
    await this.batcher.drain()
    await Promise.all(this.background)
  }

  private async settle(call: CallToCapture): Promise<void> {
    if (call.hold && call.charge) this.budget.extend(call.hold, call.charge.costNanoUsd)
    const outcome = await this.batcher.add(call)
    if (outcome === 'gone') await this.settleLate(call)
    if (typeof outcome === 'object') this.reportShortfall(call, outcome)
    if (call.hold) this.budget.settle(call.hold, call.charge?.costNanoUsd ?? 0n)
  }

  /**
   * The hold was gone: settled by this very call before (its first commit went unnoticed), or expired because this
   * process was thought dead, or a lease that was taken back. What was answered is charged all the same, under a hold of its own, unless
   * its caller has meanwhile made another call with the same billing ref: a ref is charged once. While that other call is under way, this
   * one waits to hear which of the two it is.
   * @throws {RepeatUnderWay} when it has waited long
   */
  private async settleLate(call: CallToCapture): Promise<void> {
    const found = await this.findTransaction(call)
    if (found && found.status !== 'expired') return
    if (call.hold?.kind === 'lease') this.budget.lost(call.hold.lease)
    this.metrics.failures.inc({ what: 'late_capture' })
    const { charge, orgId, apiKeyId } = call
    if (!charge) return void await captureCalls(this.db, this.replicaId, [{ ...call, hold: null }])
    const refId = found && found.ref_id !== call.id ? found.ref_id : undefined
    const budgets = budgetsOf(call)
    const chargeLate = async () => {
      // First without a lock, for it may be asked for minutes.
      if (refId !== undefined && await findRef(this.db, orgId, refId) === 'held') throw new RepeatUnderWay()
      // One transaction: the hold locks the wallet, so what is available stays so, nobody takes the ref, and no hold is left without its capture.
      return await this.db.transaction(async (query) => {
        const hold = { id: uuidv7(), orgId, refId: `loom:late:${call.id}`, apiKeyId, amount: charge.costNanoUsd, budgets }
        if (!await holdAtMost({ query }, this.replicaId, hold)) return undefined
        const ref = refId === undefined ? 'free' : await findRef({ query }, orgId, refId)
        if (ref === 'held') throw new RepeatUnderWay()
        const isRepeated = ref === 'charged'
        if (isRepeated) this.log.warn({ requestId: call.id, orgId }, 'An answer is not charged, for another call has taken its billing reference')
        const [outcome] = await captureCalls({ query }, this.replicaId, [{ ...call, charge: isRepeated ? null : charge, hold: { kind: 'own', id: hold.id, budgets } }])
        if (refId !== undefined && !isRepeated) await keepRef({ query }, refId, uuidv7(), hold.id)
        return outcome
      })
    }
    const outcome = await this.onceDecided(chargeLate)
    if (typeof outcome === 'object') this.reportShortfall(call, outcome)
  }

  private async onceDecided<Result>(act: () => Promise<Result>): Promise<Result> {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      try {
        return await act()
      } catch (error) {
        if (!(error instanceof RepeatUnderWay) || this.stopping || performance.now() > deadline) throw error
        await sleep(RETRY_PAUSE_MS)
      }
    }
  }

  /** The call's; undefined when there is none, as for a call on a lease that was never captured. */
  private async findTransaction({ id, orgId }: CallToCapture): Promise<z.infer<typeof OwnTransaction> | undefined> {
    const [row] = await this.db.query('select status, ref_id from transactions where id = $1 and org_id = $2', [id, orgId])
    return row && OwnTransaction.parse(row)
  }

  private reportShortfall({ id, orgId }: CallToCapture, { shortBy }: Shortfall): void {
    this.log.error({ requestId: id, orgId, shortByNanoUsd: shortBy.toString() }, 'A call cost more than its hold, and the wallet and budgets could cover')
    this.metrics.shortfall.inc(Number(shortBy) / 1e9)
  }

  /** A lost connection is waited out; the fault of a row is not, nor a row that somebody keeps locked, for the batcher to find that row. */
  private async captureBatch(calls: CallToCapture[]): Promise<CaptureOutcome[]> {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      try {
        return await this.settleBatch(calls)
      } catch (error) {
        if (isItemFault(error) || performance.now() > deadline) throw error
        this.metrics.failures.inc({ what: 'capture_retry' })
        await sleep(RETRY_PAUSE_MS)
      }
    }
  }

  private async settleBatch(calls: CallToCapture[]): Promise<CaptureOutcome[]> {
    // Before an answer can be gone on from, it must be known whose it is.
    await keepGivenIds(this.db, calls.flatMap(({ given }) => given ?? []))
    await this.writeLists(calls)
    if (canDraw(calls)) {
      const violation = await drawCalls(this.db, this.replicaId, calls)
      if (!violation) return calls.map(() => 'settled')
      this.metrics.failures.inc({ what: 'capture_draw' })
      this.log.warn({ code: violation, requestIds: calls.map(({ id }) => id) }, 'Calls could not be drawn on their leases as one; each is settled by itself')
    }
    return captureCalls(this.db, this.replicaId, calls)
  }

  private async writeLists(calls: readonly CallToCapture[]): Promise<void> {
    const lists = new Map(calls.flatMap(({ rules }) => rules && !this.writtenLists.has(rules.id) ? [[rules.id, rules]] : []))
    if (lists.size === 0) return
    await keepRuleLists(this.db, [...lists.values()])
    if (this.writtenLists.size > MAX_LISTS) this.writtenLists.clear()
    for (const id of lists.keys()) this.writtenLists.add(id)
  }

  /** The call as one that was not answered. Whether its lease was drawn on is unknown: it counts as drawn, until the lease ends and the rest of it is given back. */
  private withdraw(call: CallToCapture): CallToCapture {
    const unanswered = { ...call, charge: null, statusCode: 503, errorType: 'service_unavailable', response: null, kept: call.kept === undefined ? undefined : null }
    if (call.hold?.kind !== 'lease') return unanswered
    this.budget.settle(call.hold, call.charge?.costNanoUsd ?? 0n)
    return { ...unanswered, hold: null }
  }

  /** Rows that the database refuses for good: the sweeper gives the hold back. */
  private giveUp(call: CallToCapture, error: unknown): void {
    this.log.error({ err: error, requestId: call.id }, 'A call cannot be captured; its hold is given back')
    if (call.hold) this.budget.settle(call.hold, 0n)
    if (call.kept === undefined) return
    releaseClaim(this.db, call.id).catch((cause: unknown) => this.log.error({ err: cause, requestId: call.id }, 'An Idempotency-Key could not be given back'))
  }

  /** @param afterwards what is to be done once it is settled */
  private keepTrying(call: CallToCapture, afterwards?: () => Promise<void>): void {
    const attempt = async () => {
      while (!this.stopping) {
        try {
          await this.settle(call)
          return await afterwards?.()
        } catch (error) {
          this.metrics.failures.inc({ what: 'capture_retry' })
          if (isRowFault(error)) return this.giveUp(call, error)
          await sleep(isLockTimeout(error) ? LOCKED_PAUSE_MS : RETRY_PAUSE_MS)
        }
      }
    }
    const running = attempt().finally(() => this.background.delete(running))
    this.background.add(running)
  }
}
