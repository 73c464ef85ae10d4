import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../../db/client'
import { toUsdDecimal } from '../../shared/money'
import type { HoldRequest, HoldResult } from '../billing/hold-funds'
import { holdFunds } from '../billing/hold-funds'
import { sumLeases } from '../billing/lease-funds'
import { availableInWallet, unspentInWallet, unspentInWindow } from '../billing/unspent-funds'
import { LoomError } from '../errors'
import type { Log } from '../operations/log'
import type { Metrics } from '../operations/metrics'
import { PolicyRefusal } from '../policy/policy-refusal'
import { Batcher } from './batcher'
import type { CallBudget } from './call-budgets'
import { budgetRefusal, judgeBudgets, leftInBudgets, openCallWindows } from './call-budgets'
import type { Offer } from './fit-to-funds'
import type { Lease } from './lease-book'
import { LeaseBook } from './lease-book'
import { isItemFault } from './row-fault'

const MAX_BATCH = 500
/** How often a call that is held for less may find that others took what was there. */
const MAX_ATTEMPTS = 4
/** How often, and how far apart, a call asks again while other replicas give back what they have leased and do not use. */
const RECLAIM_TRIES = 5
const RECLAIM_PAUSE_MS = 100
/** How long a call asks again while only what is held for calls under way stands between it and its money, how far apart, and how many of an org may in a process. */
export const SETTLING_PATIENCE_MS = 5_000
const SETTLING_PAUSE_MS = 50
const SETTLING_PAUSE_CAP_MS = 400
export const MAX_WAITING = 200
/** `NOTIFY` with the id of an org, or of a window of a budget: its wallet, or the budget, is short, leave it what you do not need. */
const SHORT_CHANNEL = 'loom_leases'

/** Money reserved for one call: a held transaction of its own (less than was asked, on an `offer`), or a part of a lease. `id` is the call's. */
export type Hold = { kind: 'own', id: string, budgets?: readonly CallBudget[] | undefined, offer?: Offer | undefined } | { kind: 'lease', id: string, lease: Lease, reserved: bigint }

type CallHold = Omit<HoldRequest, 'budgets'> & { budgets?: readonly CallBudget[] | undefined }
type Answered = Exclude<HoldResult, { outcome: 'no_window' | 'no_wallet' }>
type Refused = Extract<HoldResult, { outcome: 'over_budget' | 'insufficient' }>
interface Wait { untilMs: number, pauseMs: number }
/** Too little in an org's wallet, or in a window of a budget. */
type Short = ({ orgId: string } | { windowId: string }) & { missing: bigint }
type Lower = (available: bigint) => Promise<Offer | undefined>

/** Step 3 of the road: money is reserved, durably, before an upstream is called. */
export class BudgetHolder {
  private readonly batcher: Batcher<HoldRequest, HoldResult>
  private readonly leases: LeaseBook
  /** Calls with money held and leases of this process, by id; the sweeper leaves them alone. */
  readonly open = new Set<string>()
  /** How many calls of an org wait, where any do. */
  private readonly waiting = new Map<string, number>()

  constructor(private readonly db: Database, replicaId: string, private readonly metrics: Metrics, log: Log) {
    this.leases = new LeaseBook(db, replicaId, metrics, log, this.open)
    this.batcher = new Batcher((requests) => {
      metrics.batchSize.observe({ batch: 'hold' }, requests.length)
      return holdFunds(this.db, replicaId, requests)
    }, MAX_BATCH, isItemFault)
  }

  /** Hears of wallets and budgets that ran short elsewhere, or of orgs whose terms have changed: of any, where it may have missed it. */
  async listen(): Promise<void> {
    for (const channel of [SHORT_CHANNEL, 'loom_orgs']) await this.db.listen(channel, id => this.leases.retireFor(id), () => this.leases.retireAll())
  }

  /**
   * Resolves once the money is reserved in the database: at once from a lease, else with a hold that is committed. A call with a
   * reference of its own is always held, for only the ledger knows whether the reference is taken.
   * Nobody is refused for money that is held for other calls rather than spent before those have had some time to end.
   * @param lower what the call can be held for instead, when wallet or budget have less; undefined when nothing less will do
   * @param signal of a caller who leaves while waiting
   * @throws {LoomError} `insufficient_funds`, `budget_exceeded`, `ref_id_conflict`, or `service_unavailable` when the database does not answer, or
   * smaller calls went before for as long as one may wait
   */
  async hold(request: CallHold, lower?: Lower, signal?: AbortSignal): Promise<Hold> {
    const lease = request.refId === request.id ? this.leases.take(request.orgId, request.amount, request.budgets) : undefined
    if (lease) {
      this.open.add(request.id)
      return { kind: 'lease', id: request.id, lease, reserved: request.amount }
    }
    let asked = request
    let offer: Offer | undefined
    let wait: Wait | undefined
    try {
      for (let attempt = 1; ; attempt++) {
        const result = await this.holdOwn(asked, signal)
        if (result.outcome === 'held') return { kind: 'own', id: request.id, budgets: request.budgets, offer }
        if (result.outcome === 'ref_taken') throw refConflict(request.refId)
        offer = attempt < MAX_ATTEMPTS ? await lower?.(result.available) : undefined
        if (offer) {
          asked = { ...asked, amount: offer.amount }
          continue
        }
        wait ??= this.beginWait(request.orgId)
        if (!wait || performance.now() > wait.untilMs || !await this.fitsOnceSettled(request, result, lower)) throw await this.refusal(asked, result)
        await pause(wait.pauseMs, signal)
        wait.pauseMs = Math.min(wait.pauseMs * 1.5, SETTLING_PAUSE_CAP_MS)
        asked = request
        attempt = 0
      }
    } finally {
      if (wait) this.endWait(request.orgId)
    }
  }

  /**
   * What of a prepaid wallet a call of `amount` nano-USD would find now; null for an unlimited one. Holds nothing: as for a call, what is
   * set aside and not in use is asked back where too little is left without it.
   */
  async availableFor(orgId: string, amount: bigint): Promise<bigint | null> {
    const ask = () => availableInWallet(this.db, orgId)
    return this.reclaiming(await ask(), left => left === null ? undefined : { orgId, missing: amount - left }, ask)
  }

  /** What each budget has left now, in their order, nano-USD; asked as `availableFor` asks of the wallet. */
  async leftFor(budgets: readonly CallBudget[], amount: bigint): Promise<bigint[]> {
    const ask = () => leftInBudgets(this.db, budgets)
    let lefts = await ask()
    for (const [index, { windowId }] of budgets.entries()) {
      lefts = await this.reclaiming(lefts, lefts => ({ windowId, missing: amount - (lefts[index] ?? 0n) }), ask)
    }
    return lefts
  }

  /** What a call may draw on its lease to cost `cost` nano-USD: its reservation, and beyond it what the lease has left. */
  extend(hold: Hold, cost: bigint): void {
    if (hold.kind === 'lease' && cost > hold.reserved) hold.reserved += this.leases.extend(hold.lease, cost - hold.reserved)
  }

  /** The call is captured, at `cost` nano-USD, or without a charge at 0. */
  settle(hold: Hold, cost: bigint): void {
    this.open.delete(hold.id)
    if (hold.kind === 'lease') this.leases.settle(hold.lease, hold.reserved, cost < hold.reserved ? cost : hold.reserved)
  }

  /** The lease a call was to draw on is gone. */
  lost(lease: Lease): void {
    this.leases.lost(lease)
  }

  closeIdleLeases(): void {
    this.leases.closeIdle()
  }

  drain(): Promise<void> {
    return this.batcher.drain()
  }

  /** Gives all leases back; every call must have been settled. */
  stop(): Promise<void> {
    return this.leases.stop()
  }

  private async holdOwn(request: CallHold, signal: AbortSignal | undefined): Promise<Answered> {
    this.open.add(request.id)
    try {
      const ask = () => this.ask(request, signal)
      const shortOf = (result: Answered): Short | undefined => {
        if (!('available' in result)) return undefined
        const missing = request.amount - result.available
        return result.outcome === 'over_budget' ? { windowId: result.windowId, missing } : { orgId: request.orgId, missing }
      }
      const settled = await this.reclaiming(await ask(), shortOf, ask)
      if (settled.outcome !== 'held') this.open.delete(request.id)
      return settled
    } catch (cause) {
      // Whether it was committed is unknown; if so, the sweeper gives it back.
      this.open.delete(request.id)
      if (cause instanceof LoomError) throw cause
      failLedger(cause)
    }
  }

  /** Undefined where as many of the org's calls wait as may: one that has no money must not keep others from waiting for theirs. */
  private beginWait(orgId: string): Wait | undefined {
    const waiting = this.waiting.get(orgId) ?? 0
    if (waiting >= MAX_WAITING) return undefined
    this.waiting.set(orgId, waiting + 1)
    return { untilMs: performance.now() + SETTLING_PATIENCE_MS, pauseMs: SETTLING_PAUSE_MS }
  }

  private endWait(orgId: string): void {
    const left = (this.waiting.get(orgId) ?? 1) - 1
    if (left > 0) this.waiting.set(orgId, left)
    else this.waiting.delete(orgId)
  }

  /**
   * Asks again while only smaller calls of its batch, refused or not, stood before this one, or a window had no row.
   * @throws {LoomError} `service_unavailable` where more of them always came; the reason of the signal
   */
  private async ask(request: CallHold, signal: AbortSignal | undefined): Promise<Answered> {
    const untilMs = performance.now() + SETTLING_PATIENCE_MS
    for (;;) {
      const result = await this.batcher.add(request)
      if (result.outcome === 'no_wallet') throw new Error('The organisation was purged while its call waited')
      if (result.outcome === 'no_window') await openCallWindows(this.db, request.orgId, request.budgets ?? [])
      else if (!('available' in result) || request.amount > result.available) return result
      signal?.throwIfAborted()
      // The smallest call of a batch is decided for good each time, but more may come.
      if (performance.now() > untilMs) throw new LoomError('service_unavailable', 'Smaller calls went before this one for too long. Nothing was charged; try again shortly.', { retryAfterSeconds: 2 })
    }
  }

  private async refusal(asked: CallHold, result: Refused): Promise<LoomError> {
    if (result.outcome === 'insufficient') return insufficientFunds(asked.amount, result.available)
    const refusal = budgetRefusal(budgetOf(asked, result.windowId), asked.amount, result.available)
    if (asked.budgets && asked.budgets.length > 1) refusal.budgets = judgeBudgets(asked.budgets, await leftInBudgets(this.db, asked.budgets).catch(failLedger), asked.amount)
    return refusal
  }

  /** Whether the call would find its money if every call under way cost nothing. */
  private async fitsOnceSettled(request: CallHold, refused: Refused, lower: Lower | undefined): Promise<boolean> {
    const unspent = await (refused.outcome === 'over_budget'
      ? unspentInWindow(this.db, budgetOf(request, refused.windowId))
      : unspentInWallet(this.db, request.orgId)).catch(failLedger)
    if (unspent <= refused.available) return false
    return request.amount <= unspent || await lower?.(unspent) !== undefined
  }

  /**
   * Nobody is refused for money that lies in a lease unused: while an answer is short of it, all replicas are asked to give back what they can, but where
   * all that is leased would not do, for that would only hold others up.
   * @param shortOf where an answer finds too little, and how much is missing; none, or undefined, where it does not
   */
  private async reclaiming<Answer>(first: Answer, shortOf: (answer: Answer) => Short | undefined, ask: () => Promise<Answer>): Promise<Answer> {
    const asked = new Set<string>()
    let answer = first
    for (let tries = 0; tries < RECLAIM_TRIES; tries++) {
      const short = shortOf(answer)
      if (!short || short.missing <= 0n) break
      const id = 'orgId' in short ? short.orgId : short.windowId
      if (!asked.has(id)) {
        if (await sumLeases(this.db, id) < short.missing) break
        asked.add(id)
        this.leases.retireFor(id)
        await this.db.notify(SHORT_CHANNEL, id)
      }
      await sleep(RECLAIM_PAUSE_MS)
      answer = await ask()
    }
    return answer
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal && { signal })
  } catch (cause) {
    signal?.throwIfAborted()
    throw cause
  }
}

/** @throws {LoomError} the 503 of a ledger that does not answer */
function failLedger(cause: unknown): never {
  throw new LoomError('service_unavailable', 'The ledger cannot be reached right now. Nothing was charged; try again shortly.', { cause, retryAfterSeconds: 2 })
}

/** The 409 of a billing reference that another call has. */
export function refConflict(refId: string): LoomError {
  return new LoomError('ref_id_conflict', `The billing reference "${refId}" has been charged or is in flight already. Use a new one for a new call.`, { param: 'X-Billing-Ref-Id' })
}

function budgetOf({ budgets }: CallHold, windowId: string): CallBudget {
  const budget = budgets?.find(budget => budget.windowId === windowId)
  if (!budget) throw new Error('A budget refused that was not asked')
  return budget
}

/** The 402 of a wallet with too little available. Amounts in nano-USD. */
export function insufficientFunds(amount: bigint, available: bigint): LoomError {
  return new PolicyRefusal(
    'insufficient_funds',
    `This call may cost up to $${toUsdDecimal(amount)} and the wallet has $${toUsdDecimal(available)} available. Top up the wallet, or lower max_tokens.`,
    { rule: 'wallet', scope: 'org', remaining: toUsdDecimal(available) },
    { required_usd: toUsdDecimal(amount), available_usd: toUsdDecimal(available) }
  )
}
