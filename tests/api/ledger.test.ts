import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../db/client'
import { openDatabase } from '../../db/connect-database'
import { migrate } from '../../db/migrate'
import { openPostgres } from '../../db/open-postgres'
import { captureCalls } from '../../server/billing/capture-calls'
import { checkLedger } from '../../server/billing/check-ledger'
import { forgetBudgetWindows } from '../../server/billing/forget-budget-windows'
import { holdFunds } from '../../server/billing/hold-funds'
import { postFunds } from '../../server/billing/post-funds'
import { settleAbandonedHolds } from '../../server/billing/settle-abandoned-holds'
import { registerReplica } from '../../server/operations/replica'
import { checkLedgerOf } from '../support/check-ledger'
import { createPostgresDatabase, openTestDatabase, readTestMigrations, testDatabaseKind } from '../support/database'
import { finishedCall } from '../support/ledger-entries'
import { seedWorkspace } from '../support/seed-workspace'
import type { Workspace } from '../support/seed-workspace'
import { until } from '../support/until'

let db: Database
let workspace: Workspace
const replica = uuidv7()

beforeEach(async () => {
  db = await openTestDatabase()
  workspace = await seedWorkspace(db.orm)
  await registerReplica(db, replica, 'test')
  await postFunds(db.orm, { principal: workspace.principal, ip: null }, workspace.orgId, { amountUsd: '0.000001', refId: 'start', description: '' })
  await db.query(`update wallets set mode = 'prepaid' where org_id = $1`, [workspace.orgId])
})
afterEach(() => db.close())

describe('holding', () => {
  test('takes what fits of a batch, the smallest first, and says what was available', async () => {
    const results = await hold(700n, 600n, 300n, 100n)
    expect(results).toEqual([{ outcome: 'insufficient', available: 1_000n }, { outcome: 'held' }, { outcome: 'held' }, { outcome: 'held' }])
    expect(await wallet()).toEqual({ balance: 1_000n, held: 1_000n })
    expect(await checkLedger(db)).toEqual([])
  })

  test('takes a ref once, in one batch and across batches racing', async () => {
    const call = () => ({ id: uuidv7(), orgId: workspace.orgId, refId: 'same', apiKeyId: null, amount: 10n })
    const results = await Promise.all([holdFunds(db, replica, [call(), call()]), holdFunds(db, replica, [call()]), holdFunds(db, replica, [call()])])
    expect(results.flat().filter(({ outcome }) => outcome === 'held')).toHaveLength(1)
    expect(await wallet()).toEqual({ balance: 1_000n, held: 10n })
  })

  test('answers a call whose org has no wallet any more by itself: its batch is held', async () => {
    const call = (orgId: string) => ({ id: uuidv7(), orgId, refId: uuidv7(), apiKeyId: null, amount: 10n })
    expect(await holdFunds(db, replica, [call(uuidv7()), call(workspace.orgId)])).toEqual([{ outcome: 'no_wallet' }, { outcome: 'held' }])
    expect(await wallet()).toEqual({ balance: 1_000n, held: 10n })
  })

  test('never exceeds the wallet, however many batches race', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, () => hold(90n)))
    expect(results.flat().filter(({ outcome }) => outcome === 'held')).toHaveLength(11)
    expect(await checkLedger(db)).toEqual([])
  })
})

describe('an unlimited wallet', () => {
  const huge = 999_999_999_000_000_000n
  beforeEach(() => db.query(`update wallets set mode = 'unlimited'`))

  test('goes below zero as far as its balance stays a number, and what cannot be held takes nothing along', async () => {
    expect((await hold(5n, huge, huge, huge, huge)).map(({ outcome }) => outcome)).toEqual(['held', 'held', 'held', 'held', 'held'])
    expect((await hold(5n, huge)).map(({ outcome }) => outcome)).toEqual(['held', 'insufficient'])
    const rows = await db.query(`select id, held from transactions where status = 'held' order by id`)
    expect(await captureCalls(db, replica, rows.map(({ id, held }) => call(String(id), BigInt(String(held)))))).toEqual(rows.map(() => 'settled'))
    expect(await wallet()).toEqual({ balance: 1_000n - 4n * huge - 10n, held: 0n })
    expect(await checkLedger(db)).toEqual([])
  })

  test.each(['', '-'])('is never posted to beyond that (%s)', async (sign) => {
    const post = (refId: string) => postFunds(db.orm, { principal: workspace.principal, ip: null }, workspace.orgId, { amountUsd: `${sign}999999999`, refId, description: '' })
    for (const refId of ['1', '2', '3', '4']) await post(refId)
    await expect(post('5')).rejects.toMatchObject({ code: 'invalid_request' })
    expect(await checkLedger(db)).toEqual([])
  })
})

describe('capturing', () => {
  test('moves each hold once: charged, released, or beyond its hold as far as the wallet reaches', async () => {
    const [charged = '', released = '', beyond = '', short = ''] = await heldIds(100n, 100n, 100n, 100n)
    const calls = [call(charged, 40n), call(released, null), call(beyond, 150n), call(short, 5_000n)]
    expect(await captureCalls(db, replica, calls)).toEqual(['settled', 'settled', 'settled', { shortBy: 4_350n }])
    // 600 were free, of which another took 50.
    expect(await wallet()).toEqual({ balance: 1_000n - 40n - 150n - (100n + 550n), held: 0n })
    expect(await checkLedger(db)).toEqual([])
  })

  test('twice is capturing once', async () => {
    const [id = ''] = await heldIds(100n)
    expect(await captureCalls(db, replica, [call(id, 40n)])).toEqual(['settled'])
    expect(await captureCalls(db, replica, [call(id, 40n)])).toEqual(['gone'])
    expect(await wallet()).toEqual({ balance: 960n, held: 0n })
    expect(await db.query('select id from traces')).toHaveLength(1)
  })
})

describe('the sweeper', () => {
  test('gives back the holds of processes that are gone, and our own that we do not know', async () => {
    const [known = '', forgotten = ''] = await heldIds(10n, 10n)
    const gone = uuidv7()
    await holdFunds(db, gone, [{ id: gone, orgId: workspace.orgId, refId: gone, apiKeyId: null, amount: 10n }])
    expect(await settleAbandonedHolds(db, 0, { replicaId: replica, open: new Set([known]) })).toBe(2)
    const rows = await db.query(`select id, status from transactions where type = 'charge'`)
    expect(Object.fromEntries(rows.map(row => [row.id, row.status]))).toEqual({ [known]: 'held', [forgotten]: 'expired', [gone]: 'expired' })
    expect(await checkLedger(db)).toEqual([])
  })
})

/** An answered call in the books, with the charges that are given. */
const called = (cost: number, charges: string) => `with call as (
  insert into usage_records (id, org_id, endpoint, provider, model, input_tokens, output_tokens, usage_source, price, cost)
  select gen_random_uuid(), org_id, 'test', 'demo', 'm', 1, 1, 'provider', '{}', ${cost} from wallets returning id, org_id
), charged as (
  insert into transactions (id, org_id, ref_id, type, status, held, captured) ${charges} returning org_id, captured
) update wallets set balance = balance - (select sum(captured) from charged)`
const longAgo = `gen_random_uuid(), now() - interval '1 hour'`

test.each([
  ['a wallet that was tampered with', 'update wallets set balance = balance + 1', 'balance = posted - captured'],
  ['a hold that nobody took', 'update wallets set held = held + 1', 'held = sum of holds and leases'],
  ['a charge without a usage record', `insert into transactions (id, org_id, ref_id, type, status) select gen_random_uuid(), org_id, 'x', 'charge', 'captured' from wallets`, /^a charge has its usage record/],
  ['a usage record without a charge', `insert into usage_records (id, org_id, endpoint, provider, model, input_tokens, output_tokens, usage_source, price, cost)
    select gen_random_uuid(), org_id, 'test', 'demo', 'm', 1, 1, 'provider', '{}', 1 from wallets`, /^a usage record has its charge/],
  ['a call charged in time and late', called(40, `select id, org_id, id::text, 'charge', 'captured', 40, 40 from call union all select gen_random_uuid(), org_id, 'loom:late:' || id, 'charge', 'captured', 40, 40 from call`), /^a call is charged once/],
  ['a charge of less than was held for it and the call cost', called(40, `select id, org_id, id::text, 'charge', 'captured', 50, 30 from call`), /^a charge takes the cost of its call/],
  ['a hold of a process that is gone', `with hold as (insert into transactions (id, org_id, ref_id, type, status, held, replica, created_at) select gen_random_uuid(), org_id, 'x', 'charge', 'held', 5, ${longAgo} from wallets)
    update wallets set held = held + 5`, /^what is held is held by a process/],
  ['a lease of a process that is gone', `with lease as (insert into wallet_leases (id, org_id, amount, replica, created_at) select gen_random_uuid(), org_id, 5, ${longAgo} from wallets)
    update wallets set held = held + 5`, /^what is held is held by a process/],
  ['a refund of nothing', `with charge as (insert into transactions (id, org_id, ref_id, type, status) select gen_random_uuid(), org_id, 'x', 'charge', 'released' from wallets returning id, org_id), paid as (update wallets set balance = balance + 5)
    insert into transactions (id, org_id, ref_id, type, status, amount, charge_id) select gen_random_uuid(), org_id, 'y', 'refund', 'posted', 5, id from charge`, /^refunds <= what their charge captured/]
])('the check finds %s', async (_, tamper, rule) => {
  await db.query(tamper)
  expect(await checkLedger(db)).toEqual([{ org_id: workspace.orgId, rule: typeof rule === 'string' ? rule : expect.stringMatching(rule), expected: expect.any(String), found: expect.any(String) }])
})

test('the check lets a charge be less than its call cost where that was more than its hold, and old holds be of a process that lives', async () => {
  await db.query(called(40, `select id, org_id, id::text, 'charge', 'captured', 20, 30 from call`))
  await db.query(`with hold as (insert into transactions (id, org_id, ref_id, type, status, held, replica, created_at) select gen_random_uuid(), org_id, 'x', 'charge', 'held', 5, $1::uuid, now() - interval '1 hour' from wallets)
    update wallets set held = held + 5`, [replica])
  expect(await checkLedger(db)).toEqual([])
})

/** A window of a budget that began and was charged so long ago, or whatever else is `held` in it. */
async function addWindow(period: string, age: string, held = 0): Promise<string> {
  const id = uuidv7()
  await db.query(`insert into budget_windows (id, org_id, scope, subject_id, period, starts_at, spent, held) select $1, org_id, 'org', org_id, $2, now() - $3::interval, 40, $4::bigint from wallets`, [id, period, age, held])
  await db.query(called(40, `select id, org_id, id::text, 'charge', 'captured', 40, 40 from call`).replace('held, captured)', `held, captured, created_at, budget_windows)`).replace('40, 40 from', `40, 40, now() - interval '${age}', array['${id}'::uuid] from`))
  if (held > 0) await db.query(`with hold as (insert into transactions (id, org_id, ref_id, type, status, held, replica, created_at, budget_windows) select gen_random_uuid(), org_id, 'held', 'charge', 'held', $1::bigint, $2::uuid, now() - $3::interval, array[$4::uuid] from wallets)
    update wallets set held = held + $1::bigint`, [held, replica, age, id])
  return id
}

test('windows of budgets are forgotten long after they ended, settled; not those of all time; and the ledger stays exact without', async () => {
  const gone = [await addWindow('day', '16 months'), await addWindow('month', '5 years')]
  const kept = [await addWindow('day', '14 months'), await addWindow('total', '5 years'), await addWindow('week', '16 months', 5), await addWindow('month', '1 day')]
  expect(await checkLedger(db)).toEqual([])
  expect(await forgetBudgetWindows(db)).toBe(gone.length)
  expect((await db.query('select id from budget_windows')).map(({ id }) => id).sort()).toEqual(kept.sort())
  expect(await checkLedger(db)).toEqual([])
  // One that is missing of last year's is a fault, as ever.
  await db.query('delete from budget_windows where id = $1', [kept.at(-1)])
  await db.query(`delete from budget_windows where period = 'day'`)
  expect(await checkLedger(db)).toEqual([expect.objectContaining({ rule: expect.stringMatching(/^a charge counts in windows there are/) })])
})

test.runIf(testDatabaseKind === 'postgres')('the check takes its time, however short that of a statement is', async () => {
  const { url, drop } = await createPostgresDatabase()
  const own = openPostgres({ url, poolSize: 2, statementTimeoutMs: 30_000 })
  const hasty = openPostgres({ url, poolSize: 2, statementTimeoutMs: 100 })
  try {
    let checked: Promise<unknown> | undefined
    await own.transaction(async (query) => {
      await query('lock table wallets in access exclusive mode')
      checked = checkLedger(hasty)
      await until(async () => (await own.query(WAITING)).length === 1, { what: () => 'the check to wait for longer than a statement may' })
    })
    expect(await checked).toEqual([])
  } finally {
    await Promise.all([own.close(), hasty.close()])
    await drop()
  }
})
const WAITING = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and clock_timestamp() - query_start > interval '0.3 s'`

test('`ledger:check` exits with 0 on an exact ledger, and with 1 on another, naming the fault: what a process that is gone holds, too, where none lives', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'loom-data-'))
  const { url, drop } = testDatabaseKind === 'postgres' ? await createPostgresDatabase() : { url: undefined, drop: async () => {} }
  // Opened by nobody else meanwhile, as an embedded database has to be.
  const within = async <T>(work: (own: Database) => Promise<T>): Promise<T> => {
    const own = await openDatabase({ DATABASE_URL: url, DATABASE_POOL_SIZE: 2, LOOM_DATA_DIR: dataDir })
    return work(own).finally(() => own.close())
  }
  const check = () => checkLedgerOf({ env: { PATH: process.env.PATH, DATABASE_URL: url, LOOM_DATA_DIR: dataDir } })
  const fails = (fault: string) => expect(check()).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(`org ${orgId}: ${fault}`) })
  let orgId = ''
  try {
    await within(async (own) => {
      await migrate(own, await readTestMigrations())
      orgId = (await seedWorkspace(own.orm)).orgId
      await registerReplica(own, replica, 'test')
      await holdFunds(own, replica, [{ id: replica, orgId, refId: replica, apiKeyId: null, amount: 5n }])
    })
    expect(await check()).toMatch(/^The ledger is exact.*\n1 holds and leases are of processes that gave a sign of life within 40 seconds\. Where those are gone, start Loom once and check again\.\n$/)
    await within(own => own.query(`update replicas set heartbeat_at = now() - interval '41 s'`))
    await fails(`what is held is held by a process: ${replica}: expected a process, found none; start Loom, which gives it back, and check again`)
    await within(own => settleAbandonedHolds(own, 0, { replicaId: uuidv7(), open: new Set() }))
    expect(await check()).toMatch(/^The ledger is exact.*\n$/)
    await within(own => own.query('update wallets set balance = -1'))
    await fails('balance = posted - captured: expected 0, found -1')
  } finally {
    await drop()
    await rm(dataDir, { recursive: true, force: true })
  }
})

async function hold(...amounts: bigint[]) {
  return holdFunds(db, replica, amounts.map((amount) => {
    const id = uuidv7()
    return { id, orgId: workspace.orgId, refId: id, apiKeyId: null, amount }
  }))
}

async function heldIds(...amounts: bigint[]): Promise<string[]> {
  const requests = amounts.map(amount => ({ id: uuidv7(), orgId: workspace.orgId, refId: uuidv7(), apiKeyId: null, amount }))
  await holdFunds(db, replica, requests)
  return requests.map(({ id }) => id)
}

const call = (holdId: string, costNanoUsd: bigint | null) => finishedCall(workspace.orgId, holdId, costNanoUsd)

async function wallet() {
  const [row] = await db.query('select balance, held from wallets where org_id = $1', [workspace.orgId])
  return row
}
