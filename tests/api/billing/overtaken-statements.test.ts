import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database, Query } from '../../../db/client'
import { captureCalls } from '../../../server/billing/capture-calls'
import { checkLedger } from '../../../server/billing/check-ledger'
import { holdFunds } from '../../../server/billing/hold-funds'
import type { BudgetShare } from '../../../server/billing/hold-funds'
import { openLease } from '../../../server/billing/lease-funds'
import { openWindows } from '../../../server/billing/open-windows'
import { registerReplica } from '../../../server/operations/replica'
import { openTestDatabase, testDatabaseKind } from '../../support/database'
import { finishedCall } from '../../support/ledger-entries'
import { seedWorkspace } from '../../support/seed-workspace'
import { until } from '../../support/until'

let db: Database
let orgId: string
const replica = uuidv7()

beforeEach(async () => {
  db = await openTestDatabase()
  orgId = (await seedWorkspace(db.orm)).orgId
  await registerReplica(db, replica, 'test')
  await post(db.query, 1_000n)
  await db.query(`update wallets set mode = 'prepaid' where org_id = $1`, [orgId])
})
afterEach(() => db.close())

// The embedded database runs one statement after the other.
describe.runIf(testDatabaseKind === 'postgres')('a statement whose wallet changes while it waits for its lock', () => {
  test.each([
    ['money is given back', (query: Query) => release(query)],
    ['funds are posted', (query: Query) => post(query, 500n)],
    ['the wallet becomes unlimited', (query: Query) => query(`update wallets set mode = 'unlimited' where org_id = $1`, [orgId])]
  ])('holds what fits once %s', async (_, change) => {
    await hold(800n)
    expect(await overtake(change, () => hold(500n))).toEqual({ outcome: 'held' })
    expect(await checkLedger(db)).toEqual([])
  })

  test('holds within a budget what fits once money is given back', async () => {
    const windowId = uuidv7()
    await openWindows(db, [{ id: windowId, orgId, scope: 'org', subjectId: orgId, period: 'total', startsAtMs: 0 }])
    const budgets = [{ windowId, limit: 1_000n }]
    await hold(800n, { budgets })
    expect(await overtake(query => release(query, { budgets }), () => hold(500n, { budgets }))).toEqual({ outcome: 'held' })
    expect(await checkLedger(db)).toEqual([])
  })

  test('holds nothing that no longer fits', async () => {
    expect(await overtake(query => hold(800n, { on: { query } }), () => hold(500n))).toEqual({ outcome: 'insufficient', available: 200n })
    expect(await checkLedger(db)).toEqual([])
  })

  test('charges beyond its hold what fits by then', async () => {
    const id = uuidv7()
    await hold(100n, { id })
    await hold(850n)
    const capture = () => captureCalls(db, replica, [finishedCall(orgId, id, 700n)])
    expect(await overtake(query => release(query, { held: 850n }), capture)).toEqual(['settled'])
    expect(await checkLedger(db)).toEqual([])
  })

  test('leases what is there by then', async () => {
    await hold(1_000n)
    expect(await overtake(query => release(query), () => openLease(db, replica, { id: uuidv7(), orgId, amount: 50n, least: 50n }))).toBe(50n)
    expect(await checkLedger(db)).toEqual([])
  })
})

/** The outcome of `statement`, which began before `change` was committed, and waited for it. */
async function overtake<T>(change: (query: Query) => Promise<unknown>, statement: () => Promise<T>): Promise<T> {
  const { outcome } = await db.transaction(async (query) => {
    await change(query)
    const outcome = statement()
    outcome.catch(() => {})
    await until(async () => (await query(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)).length > 0, { what: () => 'the statement to wait' })
    return { outcome }
  })
  return outcome
}

async function hold(amount: bigint, { on = db, id = uuidv7(), budgets }: { on?: Pick<Database, 'query'>, id?: string, budgets?: BudgetShare[] } = {}) {
  const [result] = await holdFunds(on, replica, [{ id, orgId, refId: id, apiKeyId: null, amount, budgets }])
  return result
}

/** Settles what is held, or what was held as `held`, uncharged. */
async function release(query: Query, { held, budgets }: { held?: bigint, budgets?: BudgetShare[] } = {}) {
  const rows = await query(`select id from transactions where status = 'held' and held = coalesce($1::bigint, held)`, [held ?? null])
  await captureCalls({ query }, replica, rows.map(({ id }) => finishedCall(orgId, String(id), null, { hold: { kind: 'own', id: String(id), budgets } })))
}

async function post(query: Query, amount: bigint) {
  await query(`with posted as (insert into transactions (id, org_id, ref_id, type, status, amount) values ($1::uuid, $2::uuid, $1::uuid::text, 'topup', 'posted', $3::bigint))
    update wallets set balance = balance + $3::bigint where org_id = $2::uuid`, [uuidv7(), orgId, amount])
}
