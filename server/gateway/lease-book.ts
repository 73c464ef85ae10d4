import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../../db/client'
import { giveLeaseBack, openLease } from '../billing/lease-funds'
import type { Log } from '../operations/log'
import type { Metrics } from '../operations/metrics'

/** Calls a new lease is meant for; twice as many each time one is used up within a second. */
const FIRST_CALLS = 64n
const MAX_CALLS = 4_096n
/** The least worth leasing, $0.001: cheap calls are many. */
const LEAST_AMOUNT = 1_000_000n
/** An org with fewer calls than this in a second holds for each. */
const BUSY_CALLS = 5
const BUSY_WITHIN_MS = 1_000
const USED_UP_QUICKLY_MS = 1_000
/** After a refusal or a failure, how long none is asked for. */
const PAUSE_MS = 1_000
/** Money nobody uses goes back to the wallet. */
const IDLE_MS = 3_000

/** Money this process has set aside for an org. In the database stands `remaining` plus what is reserved for running calls. */
export interface Lease {
  readonly id: string
  readonly orgId: string
  readonly size: bigint
  readonly openedAt: number
  remaining: bigint
  running: number
  usedAt: number
  /** No new call takes from it; it ends with its last one. */
  retired: boolean
}

interface Account {
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
 * while the last quarter of one is used, in the background; a call never waits for a lease.
 */
export class LeaseBook {
  private readonly accounts = new Map<string, Account>()
  private readonly background = new Set<Promise<void>>()

  /** @param open told of each lease before it is asked for, so that the sweeper leaves it alone */
  constructor(private readonly db: Database, private readonly replicaId: string, private readonly metrics: Metrics, private readonly log: Log, private readonly open: Set<string>) {}

  /** Reserves `amount` nano-USD from the org's lease. Undefined when there is none that reaches; a busy org gets one for the calls after this. */
  take(orgId: string, amount: bigint, now = performance.now()): Lease | undefined {
    let account = this.accounts.get(orgId)
    if (!account) {
      account = { current: undefined, opening: false, askedAt: now, recentCalls: 0, countedFrom: now, notBefore: 0, calls: FIRST_CALLS }
      this.accounts.set(orgId, account)
    }
    const lease = account.current
    if (now - account.countedFrom > BUSY_WITHIN_MS) Object.assign(account, { recentCalls: 0, countedFrom: now })
    account.recentCalls++
    account.askedAt = now
    if (!lease || lease.remaining < amount) {
      if (account.recentCalls >= BUSY_CALLS) this.renew(account, orgId, amount, now)
      return undefined
    }
    lease.remaining -= amount
    lease.running++
    lease.usedAt = now
    if (lease.remaining < lease.size / 4n) this.renew(account, orgId, amount, now)
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

  /** Frees what running calls do not need, because the org's wallet is short or its terms have changed. */
  retire(orgId: string): void {
    const lease = this.accounts.get(orgId)?.current
    if (lease) this.retireLease(lease)
  }

  /** As `retire`, of every org: what was told of them may have been missed. */
  retireAll(): void {
    for (const orgId of this.accounts.keys()) this.retire(orgId)
  }

  /** The lease is no longer in the database: it was taken back. */
  lost(lease: Lease): void {
    lease.remaining = 0n
    this.retireLease(lease)
    this.open.delete(lease.id)
  }

  /** Gives back what nobody has used for a while; called now and then. */
  closeIdle(now = performance.now()): void {
    for (const [orgId, { current, opening, askedAt }] of this.accounts) {
      if (current && current.running === 0 && now - current.usedAt > IDLE_MS) this.retireLease(current)
      if (!current && !opening && now - askedAt > IDLE_MS) this.accounts.delete(orgId)
    }
  }

  /** Gives everything back; nothing may be running. */
  async stop(): Promise<void> {
    while (this.background.size > 0) await Promise.all(this.background)
    for (const { current } of this.accounts.values()) if (current) this.retireLease(current)
    await Promise.all(this.background)
  }

  private retireLease(lease: Lease): void {
    const account = this.accounts.get(lease.orgId)
    if (account?.current === lease) account.current = undefined
    if (lease.retired) return
    lease.retired = true
    if (lease.running === 0 || lease.remaining > 0n) this.giveBack(lease)
  }

  private giveBack(lease: Lease): void {
    if (!this.open.has(lease.id)) return
    const amount = lease.remaining
    const close = lease.running === 0
    lease.remaining = 0n
    // Unknown to us from here on: should this fail, the sweeper gives it back.
    if (close) this.open.delete(lease.id)
    this.inBackground('lease_close', () => giveLeaseBack(this.db, { id: lease.id, orgId: lease.orgId, amount, close }))
  }

  private renew(account: Account, orgId: string, amount: bigint, now: number): void {
    if (account.opening || now < account.notBefore) return
    account.opening = true
    const previous = account.current
    if (previous) account.calls = now - previous.openedAt < USED_UP_QUICKLY_MS && account.calls < MAX_CALLS ? account.calls * 2n : account.calls
    const wanted = amount * account.calls
    const request = { id: uuidv7(), orgId, amount: wanted > LEAST_AMOUNT ? wanted : LEAST_AMOUNT, least: amount * 4n }
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
      account.current = { id: request.id, orgId, size: granted, openedAt, usedAt: openedAt, remaining: granted, running: 0, retired: false }
      if (previous) this.retireLease(previous)
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
