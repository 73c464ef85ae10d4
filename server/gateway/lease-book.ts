import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../../db/client'
import type { BudgetShare } from '../billing/hold-funds'
import { giveLeaseBack, openLease } from '../billing/lease-funds'
import type { Log } from '../operations/log'
import type { Metrics } from '../operations/metrics'

/** Calls a new lease is meant for; twice as many each time one is used up within a second. */
const FIRST_CALLS = 64n
const MAX_CALLS = 4_096n
/** The least worth leasing, $0.001: cheap calls are many. */
const LEAST_AMOUNT = 1_000_000n
/** Where fewer calls than this come in a second, each is held for. */
const BUSY_CALLS = 5
const BUSY_WITHIN_MS = 1_000
const USED_UP_QUICKLY_MS = 1_000
/** After a refusal or a failure, how long none is asked for. */
const PAUSE_MS = 1_000
/** Money nobody uses goes back to the wallet. */
const IDLE_MS = 3_000

/** Money this process has set aside for an org's calls that count in the same budgets. In the database stands `remaining` plus what is reserved for running calls. */
export interface Lease {
  readonly id: string
  readonly orgId: string
  readonly budgets: readonly BudgetShare[] | undefined
  readonly size: bigint
  readonly openedAt: number
  remaining: bigint
  running: number
  usedAt: number
  /** No new call takes from it; it ends with its last one. */
  retired: boolean
}

interface Account {
  readonly orgId: string
  readonly budgets: readonly BudgetShare[] | undefined
  current: Lease | undefined
  opening: boolean
  askedAt: number
  /** Calls since `countedFrom`, at most a second ago. */
  recentCalls: number
  countedFrom: number
  notBefore: number
  calls: bigint
}

/**
 * The leases of this process: a busy org's calls take their hold from one in memory instead of waiting for the database. The next is asked for
 * while the last quarter of one is used, in the background; a call never waits for a lease. Calls share one whose budgets, windows and limits are the same: where a
 * period ends or a limit changes, the calls after that have none yet.
 */
export class LeaseBook {
  private readonly accounts = new Map<string, Account>()
  /** Retired leases that calls still run on. */
  private readonly ending = new Set<Lease>()
  /** What budgets are told apart by, written once for each list. */
  private readonly keys = new WeakMap<readonly BudgetShare[], { orgId: string, key: string }>()
  private readonly background = new Set<Promise<void>>()

  /** @param open told of each lease before it is asked for, so that the sweeper leaves it alone */
  constructor(private readonly db: Database, private readonly replicaId: string, private readonly metrics: Metrics, private readonly log: Log, private readonly open: Set<string>) {}

  /**
   * Reserves `amount` nano-USD from the org's lease within these budgets. Undefined when there is none that reaches; where calls are many, those after this get one.
   * @param budgets the same list for many calls, so that it is not named again for each
   */
  take(orgId: string, amount: bigint, budgets?: readonly BudgetShare[], now = performance.now()): Lease | undefined {
    const key = this.keyOf(orgId, budgets)
    let account = this.accounts.get(key)
    if (!account) {
      account = { orgId, budgets, current: undefined, opening: false, askedAt: now, recentCalls: 0, countedFrom: now, notBefore: 0, calls: FIRST_CALLS }
      this.accounts.set(key, account)
    }
    const lease = account.current
    if (now - account.countedFrom > BUSY_WITHIN_MS) Object.assign(account, { recentCalls: 0, countedFrom: now })
    account.recentCalls++
    account.askedAt = now
    if (!lease || lease.remaining < amount) {
      if (account.recentCalls >= BUSY_CALLS) this.renew(account, amount, now)
      return undefined
    }
    lease.remaining -= amount
    lease.running++
    lease.usedAt = now
    if (lease.remaining < lease.size / 4n) this.renew(account, amount, now)
    return lease
  }

  /** Up to `amount` more for a call that costs more than was reserved for it, as far as the lease reaches. */
  extend(lease: Lease, amount: bigint): bigint {
    const extra = amount < lease.remaining ? amount : lease.remaining
    lease.remaining -= extra
    return extra
  }

  /** A call has ended: of its `reserved` nano-USD, `drawn` were charged to the lease. */
  settle(lease: Lease, reserved: bigint, drawn: bigint): void {
    lease.running--
    lease.remaining += reserved - drawn
    if (lease.retired && lease.running === 0) this.giveBack(lease)
  }

  /** Frees what running calls do not need, because the wallet of this org or this window of a budget is short, or the org's terms have changed. Who is short comes first: none is asked for anew at once. */
  retireFor(orgOrWindowId: string, now = performance.now()): void {
    const isMeant = ({ orgId, budgets }: Pick<Lease, 'orgId' | 'budgets'>) => orgId === orgOrWindowId || budgets?.some(({ windowId }) => windowId === orgOrWindowId)
    for (const account of this.accounts.values()) {
      if (!isMeant(account)) continue
      account.notBefore = now + PAUSE_MS
      if (account.current) this.retireLease(account.current)
    }
    for (const lease of this.ending) if (isMeant(lease)) this.giveBack(lease)
  }

  /** As `retireFor`, of everybody: what was told of them may have been missed. */
  retireAll(): void {
    for (const { current } of this.accounts.values()) if (current) this.retireLease(current)
  }

  /** The lease is no longer in the database: it was taken back. */
  lost(lease: Lease): void {
    this.open.delete(lease.id)
    lease.remaining = 0n
    this.retireLease(lease)
    this.ending.delete(lease)
  }

  /** Gives back what nobody has used for a while, and what calls on retired leases have left; called now and then. */
  closeIdle(now = performance.now()): void {
    for (const [key, { current, opening, askedAt }] of this.accounts) {
      if (current && now - current.usedAt > IDLE_MS) this.retireLease(current)
      if (!current && !opening && now - askedAt > IDLE_MS) this.accounts.delete(key)
    }
    for (const lease of this.ending) this.giveBack(lease)
  }

  /** Gives everything back; nothing may be running. */
  async stop(): Promise<void> {
    while (this.background.size > 0) await Promise.all(this.background)
    this.retireAll()
    await Promise.all(this.background)
  }

  private keyOf(orgId: string, budgets: readonly BudgetShare[] | undefined): string {
    if (!budgets) return orgId
    const known = this.keys.get(budgets)
    if (known?.orgId === orgId) return known.key
    const key = [orgId, ...budgets.map(({ windowId, limit }) => `${windowId}:${limit}`)].join(' ')
    this.keys.set(budgets, { orgId, key })
    return key
  }

  private retireLease(lease: Lease): void {
    const account = this.accounts.get(this.keyOf(lease.orgId, lease.budgets))
    if (account?.current === lease) account.current = undefined
    lease.retired = true
    this.ending.add(lease)
    this.giveBack(lease)
  }

  private giveBack(lease: Lease): void {
    const amount = lease.remaining
    const close = lease.running === 0
    if (close) this.ending.delete(lease)
    if (!this.open.has(lease.id) || (amount === 0n && !close)) return
    lease.remaining = 0n
    // Unknown to us from here on: should this fail, the sweeper gives it back.
    if (close) this.open.delete(lease.id)
    this.inBackground('lease_close', () => giveLeaseBack(this.db, { id: lease.id, orgId: lease.orgId, amount, close }))
  }

  private renew(account: Account, amount: bigint, now: number): void {
    if (account.opening || now < account.notBefore) return
    account.opening = true
    const { orgId, budgets } = account
    const previous = account.current
    if (previous) account.calls = now - previous.openedAt < USED_UP_QUICKLY_MS && account.calls < MAX_CALLS ? account.calls * 2n : account.calls
    const wanted = amount * account.calls
    const request = { id: uuidv7(), orgId, amount: wanted > LEAST_AMOUNT ? wanted : LEAST_AMOUNT, least: amount * 4n, budgets }
    this.open.add(request.id)
    this.inBackground('lease_open', async () => {
      let granted: bigint | undefined
      try {
        granted = await openLease(this.db, this.replicaId, request)
      } finally {
        account.opening = false
        // Not granted, or nobody knows: then the sweeper gives it back.
        if (granted === undefined) {
          this.open.delete(request.id)
          account.notBefore = performance.now() + PAUSE_MS
        }
      }
      if (granted === undefined) return
      const openedAt = performance.now()
      account.current = { id: request.id, orgId, budgets, size: granted, openedAt, usedAt: openedAt, remaining: granted, running: 0, retired: false }
      if (previous) this.retireLease(previous)
      // Somebody ran short while it was on its way.
      if (openedAt < account.notBefore) this.retireLease(account.current)
    })
  }

  private inBackground(what: string, work: () => Promise<void>): void {
    const running: Promise<void> = work().catch((error: unknown) => {
      this.metrics.failures.inc({ what })
      this.log.warn({ err: error }, 'A lease could not be opened or given back; the sweeper will')
    }).finally(() => this.background.delete(running))
    this.background.add(running)
  }
}
