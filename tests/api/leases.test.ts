import { pino } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../db/client'
import { captureCalls } from '../../server/billing/capture-calls'
import { checkLedger } from '../../server/billing/check-ledger'
import { drawCalls } from '../../server/billing/draw-calls'
import { openLease } from '../../server/billing/lease-funds'
import { openWindows } from '../../server/billing/open-windows'
import { postFunds } from '../../server/billing/post-funds'
import { settleAbandonedHolds } from '../../server/billing/settle-abandoned-holds'
import { updateWallet } from '../../server/billing/update-wallet'
import type { CallBudget } from '../../server/gateway/call-budgets'
import type { CallToCapture } from '../../server/gateway/capture'
import { Capturer } from '../../server/gateway/capture'
import type { Hold } from '../../server/gateway/hold-budget'
import { BudgetHolder, MAX_WAITING } from '../../server/gateway/hold-budget'
import { readConfig } from '../../server/config'
import { openFileStore } from '../../server/files/file-store'
import { createMetrics } from '../../server/operations/metrics'
import { registerReplica } from '../../server/operations/replica'
import { purgeOrg } from '../../server/platform/purge-org'
import { openTestDatabase, testDatabaseKind } from '../support/database'
import { finishedCall as answeredCall } from '../support/ledger-entries'
import type { Workspace } from '../support/seed-workspace'
import { seedWorkspace } from '../support/seed-workspace'
import { until } from '../support/until'

const CALL = 1_000_000n
const log = pino({ level: 'silent' })

let db: Database
let workspace: Workspace
let replicas: Replica[]
/** Those of every call that a test makes. */
let budgets: CallBudget[] | undefined

interface Replica { id: string, budget: BudgetHolder, capturer: Capturer }

beforeEach(async () => {
  db = await openTestDatabase()
  workspace = await seedWorkspace(db.orm)
  replicas = []
  budgets = undefined
  await fund('10')
  await db.query(`update wallets set mode = 'prepaid' where org_id = $1`, [workspace.orgId])
})
afterEach(async () => {
  for (const { budget } of replicas) await budget.stop()
  expect(await checkLedger(db)).toEqual([])
  await db.close()
})

describe.each([{ name: 'without budgets', limits: undefined }, { name: 'within budgets', limits: [10_000_000_000n, 20_000_000_000n] }])('leases $name', ({ limits }) => {
  beforeEach(async () => {
    budgets = limits && await Promise.all(limits.map(limit => openBudget(limit)))
  })

  test('a busy org gets a lease: its calls hold nothing of their own, are charged to the nano-USD, and what is left goes back', async () => {
    const replica = await startReplica()
    const first = await leased(replica)
    expect(await wallet()).toEqual({ balance: 10_000_000_000n, held: await leasedInDatabase() + ownHeld() })
    await finish(replica, first, 123n)
    const free = await hold(replica)
    await finish(replica, free, null)
    expect(await db.query(`select status, captured from transactions where id = $1`, [first.id])).toEqual([{ status: 'captured', captured: 123n }])
    expect(await db.query('select id from transactions where id = $1', [free.id])).toEqual([])
    await finishRest(replica)
    await replica.budget.stop()
    expect(await wallet()).toEqual({ balance: 10_000_000_000n - 123n, held: 0n })
  })

  test('a call that costs more than was reserved takes the rest from its lease, then from the wallet', async () => {
    const replica = await startReplica()
    const call = await leased(replica)
    const lease = await leasedInDatabase()
    await finish(replica, call, lease + 5n)
    expect(await db.query(`select captured from transactions where id = $1`, [call.id])).toEqual([{ captured: lease + 5n }])
    await finishRest(replica)
  })

  test('a capture whose commit went unnoticed charges once when it is sent again', async () => {
    const replica = await startReplica()
    const call = await leased(replica)
    const finished = finishedCall(call, 100n)
    await captureCalls(db, replica.id, [finished])
    running.delete(call)
    await replica.capturer.capture(finished, true)
    await finishRest(replica)
    await replica.budget.stop()
    expect(await wallet()).toEqual({ balance: 10_000_000_000n - 100n, held: 0n })
  })

  test('in a batch, calls that were settled before or whose lease is gone leave the others as they are', async () => {
    const replica = await startReplica()
    const [repeated, charged, free] = [await leased(replica), await leased(replica), await leased(replica)]
    const lost = finishedCall({ ...charged, id: uuidv7(), hold: onLostLease(charged) }, 300n)
    await captureCalls(db, replica.id, [finishedCall(repeated, 100n)])
    const counted = await callsOfHours()
    const batch = [finishedCall(repeated, 100n), finishedCall(charged, 200n), lost, finishedCall(free, null)]
    expect(await drawCalls(db, replica.id, batch.slice(0, 2))).toBe('23505')
    expect(await drawCalls(db, replica.id, batch.slice(1))).toBe('23502')
    expect(await callsOfHours()).toBe(counted)
    expect(await captureCalls(db, replica.id, batch)).toEqual(['gone', 'settled', 'gone', 'settled'])
    expect(await callsOfHours()).toBe(counted + 2)
    expect(await db.query(`select id, captured from transactions where type = 'charge' and status = 'captured' order by captured`)).toEqual([{ id: repeated.id, captured: 100n }, { id: charged.id, captured: 200n }])
    await finish(replica, repeated, 100n)
    await finish(replica, charged, 200n)
    await finishRest(replica)
    await replica.budget.stop()
    expect(await wallet()).toEqual({ balance: 10_000_000_000n - 300n, held: 0n })
  })

  // The embedded database runs one statement after the other.
  test.runIf(testDatabaseKind === 'postgres')('a batch of several orgs locks their wallets in the order of their ids, as all do, so that none deadlock', async () => {
    const replica = await startReplica()
    const orgs = [workspace, await seedWorkspace(db.orm), await seedWorkspace(db.orm)].map(({ orgId }) => orgId).toSorted()
    const leases = orgs.toReversed().map(orgId => ({ id: uuidv7(), orgId }))
    for (const lease of leases) {
      // Whether the wallets are met as they lie in the table or as the batch names them, it is against the order of their ids.
      await db.query(`update wallets set mode = 'unlimited' where org_id = $1`, [lease.orgId])
      await openLease(db, replica.id, { ...lease, amount: 10n, least: 1n })
    }
    const [isLocked, mayGo] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
    const blocking = db.transaction(async (query) => {
      await query('select from wallets where org_id = $1 for update', [orgs[1]])
      isLocked.resolve(undefined)
      await mayGo.promise
    })
    await isLocked.promise
    const drawing = db.transaction(async (query) => {
      // A merge would sort them by chance.
      await query('set local enable_mergejoin = off')
      return drawCalls({ query }, replica.id, leases.map(({ id, orgId }) => answeredCall(orgId, uuidv7(), 5n, { hold: { kind: 'lease', lease: { id }, reserved: 5n } })))
    })
    await until(async () => (await db.query(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)).length > 0, { what: () => 'the batch to wait' })
    const unlocked = await db.query('select org_id from wallets order by org_id for update skip locked')
    mayGo.resolve(undefined)
    await blocking
    expect(unlocked).toEqual([{ org_id: orgs[2] }])
    expect(await drawing).toBeUndefined()
    expect(await db.query('select amount from wallet_leases')).toEqual(orgs.map(() => ({ amount: 5n })))
  })

  test('no caller is refused for money that another replica has leased and does not use', async () => {
    const [one, other] = [await startReplica(), await startReplica()]
    await leased(one)
    await finishRest(one)
    expect(await leasedInDatabase()).toBeGreaterThan(0n)
    const everything = await hold(other, 10_000_000_000n)
    expect(everything.hold.kind).toBe('own')
    await finish(other, everything, 10_000_000_000n)
    expect(await wallet()).toEqual({ balance: 0n, held: 0n })
  })

  test('what an ended call has left of a lease is there for who is short of it, though others still run on it', async () => {
    const [one, other] = [await startReplica(), await startReplica()]
    const long = await leased(one)
    await finishRest(one, long)
    const short = await hold(one)
    expect(short.hold).toMatchObject({ kind: 'lease' })
    const everything = hold(other, 10_000_000_000n - CALL)
    await until(async () => await leasedInDatabase() === 2n * CALL, { what: () => 'the lease to be shrunk' })
    await finish(one, short, null)
    await finish(other, await everything, null)
    expect(await leasedInDatabase()).toBe(CALL)
    await finish(one, long, null)
  })

  test('a dry run finds what a call would: what other replicas have leased and do not use, and nothing that calls have reserved of it', async () => {
    const [one, other] = [await startReplica(), await startReplica()]
    const call = await leased(one)
    await finishRest(one, call)
    expect(await leasedInDatabase()).toBeGreaterThan(CALL)
    expect(await other.budget.availableFor(workspace.orgId, 10_000_000_000n)).toBe(10_000_000_000n - CALL)
    expect(await leasedInDatabase()).toBe(CALL)
    await finish(one, call, null)
    await db.query(`update wallets set mode = 'unlimited' where org_id = $1`, [workspace.orgId])
    expect(await other.budget.availableFor(workspace.orgId, 10_000_000_000n)).toBeNull()
  })

  test('leases never reserve more than the wallet has, and replicas racing on them spend it to the last call', async () => {
    await fund('-9.9')
    const racing = await Promise.all([startReplica(), startReplica(), startReplica()])
    const outcomes = await Promise.all(racing.flatMap(replica => Array.from({ length: 60 }, () => attempt(replica))))
    expect(outcomes.filter(outcome => outcome === 'paid')).toHaveLength(100)
    expect(outcomes.filter(outcome => outcome === 'insufficient_funds')).toHaveLength(80)
    expect(await wallet()).toEqual({ balance: 0n, held: 0n })
  })

  test('the lease of a process that is gone goes back to the wallet', async () => {
    const replica = await startReplica({ register: false })
    const call = await leased(replica)
    await finish(replica, await leased(replica), 23n)
    await settleAbandonedHolds(db, 60_000, { replicaId: uuidv7(), open: new Set() })
    expect(await wallet()).toEqual({ balance: 10_000_000_000n - 23n, held: 0n })
    expect(await checkLedger(db)).toEqual([])
    // It was not gone after all: what it answered is charged, under a hold of its own.
    await finish(replica, call, 77n)
    await finishRest(replica)
    expect(await wallet()).toEqual({ balance: 10_000_000_000n - 100n, held: 0n })
  })

  test('a change of the wallet’s terms ends its leases at once, and what runs on them is charged all the same', async () => {
    const replica = await startReplica()
    const call = await leased(replica)
    await finish(replica, await leased(replica), 23n)
    await finishRest(replica, call)
    await updateWallet(db.orm, { principal: workspace.principal, ip: null }, workspace.orgId, { mode: 'unlimited' })
    expect(await leasedInDatabase()).toBe(0n)
    expect(await checkLedger(db)).toEqual([])
    await finish(replica, call, 50n)
    expect(await wallet()).toEqual({ balance: 10_000_000_000n - 73n, held: 0n })
  })
})

describe('a lease within budgets', () => {
  test('is part of what each window holds, and what its calls cost of what each has spent', async () => {
    budgets = [await openBudget(10_000_000_000n), await openBudget(20_000_000_000n)]
    const replica = await startReplica()
    const call = await leased(replica)
    await finishRest(replica, call)
    expect(await leasedInDatabase()).toBeGreaterThan(CALL)
    for (const budget of budgets) expect(await windowOf(budget)).toEqual({ held: await leasedInDatabase(), spent: 0n })
    await finish(replica, call, 123n)
    for (const budget of budgets) expect(await windowOf(budget)).toEqual({ held: await leasedInDatabase(), spent: 123n })
    expect(await db.query('select budget_windows from transactions where id = $1', [call.id])).toEqual([{ budget_windows: budgets.map(({ windowId }) => windowId).toSorted() }])
  })

  test('is written down in its windows when it goes; until then their rows hold what is drawn on it, and have as much left', async () => {
    budgets = [await openBudget(10_000_000_000n), await openBudget(20_000_000_000n)]
    const replica = await startReplica()
    const [drawn, dearer] = [await leased(replica), await leased(replica)]
    const lease = await leasedInDatabase()
    await finish(replica, drawn, 123n)
    for (const budget of budgets) expect(await rowOf(budget)).toEqual({ held: lease, spent: 0n })
    expect(await replica.budget.leftFor(budgets, 0n)).toEqual([10_000_000_000n - lease, 20_000_000_000n - lease])
    await finish(replica, dearer, lease)
    for (const budget of budgets) expect(await rowOf(budget)).toEqual({ held: lease, spent: 123n })
    await replica.budget.stop()
    for (const budget of budgets) expect(await rowOf(budget)).toEqual({ held: 0n, spent: lease + 123n })
  })

  test('leaves what was drawn on it spent in the platform’s budget when its org is purged', async () => {
    budgets = [await openBudget(10_000_000_000n)]
    const replica = await startReplica()
    const call = await leased(replica)
    const lease = await leasedInDatabase()
    await finish(replica, call, lease)
    expect(await wallet()).toMatchObject({ held: 0n })
    const { principal } = await seedWorkspace(db.orm)
    await db.query('update orgs set deleted_at = now() where id = $1', [workspace.orgId])
    let isAsked = false
    const query: typeof db.query = (text, values) => {
      isAsked ||= text.includes('wallet_leases')
      return db.query(text, values)
    }
    const purging = purgeOrg({ db: { ...db, query }, log, metrics: createMetrics(), fileStore: openFileStore(readConfig({})) }, { principal, ip: null }, workspace.orgId, workspace.orgId)
    await until(() => isAsked, { what: () => 'the purge to begin' })
    await replica.budget.stop()
    await purging
    expect(await rowOf(budgetOf())).toEqual({ held: 0n, spent: lease })
  })

  test('takes at most a sixteenth of what a budget has left, and none where that is too little', async () => {
    budgets = [await openBudget(64n * CALL)]
    const replica = await startReplica()
    await leased(replica)
    await finishRest(replica)
    expect(await leasedInDatabase()).toBeLessThanOrEqual(4n * CALL)
    await replica.budget.stop()
    const share = (limit: bigint, windowId = budgetOf().windowId) => ({ id: uuidv7(), orgId: workspace.orgId, amount: CALL, least: 1n, budgets: [{ windowId, limit }] })
    expect(await openLease(db, replica.id, share(16n))).toBe(1n)
    expect(await openLease(db, replica.id, share(16n))).toBeUndefined()
    expect(await openLease(db, replica.id, share(0n))).toBeUndefined()
    expect(await openLease(db, replica.id, share(64n, uuidv7()))).toBeUndefined()
    await db.query('delete from replicas where id = $1', [replica.id])
    expect(await settleAbandonedHolds(db, 60_000, { replicaId: uuidv7(), open: new Set() })).toBe(1)
    expect(await windowOf(budgetOf())).toEqual({ held: 0n, spent: 0n })
  })

  test('is not drawn on by calls under another limit', async () => {
    budgets = [await openBudget(10_000_000_000n)]
    const replica = await startReplica()
    await leased(replica)
    budgets = [{ ...budgetOf(), limit: 2n * CALL }]
    await expect(hold(replica, 3n * CALL)).rejects.toMatchObject({ code: 'budget_exceeded' })
    expect((await hold(replica)).hold.kind).toBe('own')
    await finishRest(replica)
  })

  test('gives back what it does not use where another call, of another org even, is short of its budget', async () => {
    budgets = [await openBudget(1_000_000_000n)]
    const [one, other] = [await startReplica(), await startReplica()]
    await leased(one)
    await finishRest(one)
    expect(await leasedInDatabase()).toBeGreaterThan(0n)
    const stranger = await seedWorkspace(db.orm)
    await db.query(`update wallets set mode = 'unlimited' where org_id = $1`, [stranger.orgId])
    const id = uuidv7()
    const everything = await other.budget.hold({ id, orgId: stranger.orgId, refId: id, apiKeyId: null, amount: 1_000_000_000n, budgets })
    await other.capturer.capture({ ...answeredCall(stranger.orgId, id, 1_000_000_000n), hold: everything }, true)
    expect(await windowOf(budgetOf())).toEqual({ held: 0n, spent: 1_000_000_000n })
  })

  test('counts as what is left for a dry run, but for what calls have reserved', async () => {
    budgets = [await openBudget(1_000_000_000n)]
    const [one, other] = [await startReplica(), await startReplica()]
    const call = await leased(one)
    await finishRest(one, call)
    const tighter = await openBudget(500_000_000n)
    expect(await other.budget.leftFor([tighter, ...budgets], 1_000_000_000n)).toEqual([500_000_000n, 1_000_000_000n - CALL])
    await finish(one, call, null)
  })

  test('is left alone by a call that nobody could pay for', async () => {
    budgets = [await openBudget(1_000_000_000n)]
    const [one, other] = [await startReplica(), await startReplica()]
    await leased(one)
    await finishRest(one)
    const before = await leasedInDatabase()
    await expect(hold(other, 2_000_000_000n)).rejects.toMatchObject({ code: 'budget_exceeded' })
    expect(await leasedInDatabase()).toBe(before)
  })

  test('is spent to the last call by replicas that race on it, and never beyond', async () => {
    budgets = [await openBudget(100n * CALL + 1n)]
    const racing = await Promise.all([startReplica(), startReplica(), startReplica()])
    const outcomes = await Promise.all(racing.flatMap(replica => Array.from({ length: 60 }, () => attempt(replica))))
    expect(outcomes.filter(outcome => outcome === 'paid')).toHaveLength(100)
    expect(outcomes.filter(outcome => outcome === 'budget_exceeded')).toHaveLength(80)
    await Promise.all(racing.map(({ budget }) => budget.stop()))
    expect(await windowOf(budgetOf())).toEqual({ held: 0n, spent: 100n * CALL })
  })

  test('charges beyond it only as far as the budget reaches', async () => {
    budgets = [await openBudget(100n * CALL)]
    const replica = await startReplica()
    const call = await leased(replica)
    await finishRest(replica, call)
    await finish(replica, call, 200n * CALL)
    expect(await windowOf(budgetOf())).toEqual({ held: 0n, spent: 100n * CALL })
  })
})

test('calls of one org that wait for money keep those of no other from waiting', async () => {
  const replica = await startReplica()
  const [crowded, other] = [workspace, await seedWorkspace(db.orm)]
  await postFunds(db.orm, { principal: other.principal, ip: null }, other.orgId, { amountUsd: '10', refId: 'start', description: '' })
  await db.query(`update wallets set mode = 'prepaid' where org_id = $1`, [other.orgId])
  const leaving = new AbortController()
  const wait = ({ orgId }: Workspace) => {
    const id = uuidv7()
    return replica.budget.hold({ id, orgId, refId: id, apiKeyId: null, amount: CALL }, undefined, leaving.signal)
  }
  const everything = await hold(replica, 10_000_000_000n)
  // One more than may wait; the one that may not is refused at once, while all the others wait.
  const crowd = Array.from({ length: MAX_WAITING + 1 }, () => wait(crowded))
  await expect(Promise.race(crowd)).rejects.toMatchObject({ code: 'insufficient_funds' })
  workspace = other
  const all = await hold(replica, 10_000_000_000n)
  const waiting = wait(other)
  await finish(replica, all, null)
  workspace = crowded
  expect(await waiting).toMatchObject({ kind: 'own' })
  leaving.abort(new Error('the callers left'))
  const settled = await Promise.allSettled(crowd)
  expect(settled.filter(({ status }) => status === 'fulfilled')).toEqual([])
  await finish(replica, everything, null)
})

interface RunningCall { id: string, hold: Hold, replica: Replica }
const running = new Set<RunningCall>()

async function startReplica({ register = true } = {}): Promise<Replica> {
  const id = uuidv7()
  if (register) await registerReplica(db, id, 'test')
  const metrics = createMetrics()
  const budget = new BudgetHolder(db, id, metrics, log)
  await budget.listen()
  const replica = { id, budget, capturer: new Capturer(db, id, metrics, log, budget) }
  replicas.push(replica)
  return replica
}

async function hold(replica: Replica, amount = CALL): Promise<RunningCall> {
  const id = uuidv7()
  const call = { id, replica, hold: await replica.budget.hold({ id, orgId: workspace.orgId, refId: id, apiKeyId: null, amount, budgets }) }
  running.add(call)
  return call
}

/** A call that costs what was held for it: `paid`, or the code of its refusal. */
async function attempt(replica: Replica): Promise<unknown> {
  try {
    await finish(replica, await hold(replica), CALL)
    return 'paid'
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
}

async function openBudget(limit: bigint): Promise<CallBudget> {
  const rule = { scope: 'platform', subjectId: uuidv7(), period: 'total', limit, timeZone: 'UTC' } as const
  const windowId = uuidv7()
  await openWindows(db, [{ id: windowId, orgId: null, ...rule, startsAtMs: 0 }])
  return { rule, startsAtMs: 0, endsAtMs: Infinity, windowId, limit }
}

function budgetOf(): CallBudget {
  const [budget] = budgets ?? []
  if (!budget) throw new Error('The test has no budget')
  return budget
}

/** As it is shown: what is drawn on leases is spent. */
async function windowOf({ windowId }: CallBudget) {
  const [row] = await db.query(`
    select held - drawn as held, spent + drawn as spent
      from budget_windows b cross join (select coalesce(sum(drawn), 0)::bigint as drawn from wallet_leases where $1 = any(budget_windows)) l where b.id = $1::uuid`, [windowId])
  return row
}

async function rowOf({ windowId }: CallBudget) {
  const [row] = await db.query('select held, spent from budget_windows where id = $1', [windowId])
  return row
}

/** Calls until one is held by a lease. */
async function leased(replica: Replica): Promise<RunningCall> {
  return until(async () => {
    const call = await hold(replica)
    if (call.hold.kind === 'lease') return call
    await finish(replica, call, null)
    return undefined
  }, { timeoutMs: 30_000, what: () => 'a lease' })
}

async function finish(replica: Replica, call: RunningCall, cost: bigint | null): Promise<void> {
  running.delete(call)
  await replica.capturer.capture(finishedCall(call, cost), true)
}

async function finishRest(replica: Replica, except?: RunningCall): Promise<void> {
  for (const call of running) if (call.replica === replica && call !== except) await finish(replica, call, null)
}

function finishedCall({ id, hold }: RunningCall, cost: bigint | null): CallToCapture {
  return { ...answeredCall(workspace.orgId, id, cost), hold }
}

let posted = 0
const fund = (amountUsd: string) => postFunds(db.orm, { principal: workspace.principal, ip: null }, workspace.orgId, { amountUsd, refId: `fund-${++posted}`, description: '' })

async function wallet() {
  const [row] = await db.query('select balance, held from wallets where org_id = $1', [workspace.orgId])
  return row
}

async function leasedInDatabase(): Promise<bigint> {
  const [row] = await db.query('select coalesce(sum(amount), 0)::bigint as amount from wallet_leases')
  return BigInt(String(row?.amount))
}

function onLostLease({ hold }: RunningCall): Hold {
  if (hold.kind !== 'lease') throw new Error('The call holds its own money')
  return { ...hold, lease: { ...hold.lease, id: uuidv7() } }
}

async function callsOfHours(): Promise<number> {
  const [row] = await db.query('select count(*)::int as requests from usage_pending')
  return Number(row?.requests)
}

function ownHeld(): bigint {
  return [...running].reduce((sum, { hold }) => hold.kind === 'own' ? sum + CALL : sum, 0n)
}
