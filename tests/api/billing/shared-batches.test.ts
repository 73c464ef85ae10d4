import { pino } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database, Query } from '../../../db/client'
import { captureCalls } from '../../../server/billing/capture-calls'
import { checkLedger } from '../../../server/billing/check-ledger'
import { openWindows } from '../../../server/billing/open-windows'
import { postFunds } from '../../../server/billing/post-funds'
import type { CallBudget } from '../../../server/gateway/call-budgets'
import type { Hold } from '../../../server/gateway/hold-budget'
import { BudgetHolder } from '../../../server/gateway/hold-budget'
import { createMetrics } from '../../../server/operations/metrics'
import { registerReplica } from '../../../server/operations/replica'
import { openTestDatabase } from '../../support/database'
import { finishedCall } from '../../support/ledger-entries'
import { seedWorkspace } from '../../support/seed-workspace'

const replica = uuidv7()
const SMALLER = 600_000_000n
const LARGER = 700_000_000n

let db: Database
let orgId: string
let budget: BudgetHolder
let budgets: CallBudget[]

beforeEach(async () => {
  db = await openTestDatabase()
  const workspace = await seedWorkspace(db.orm)
  orgId = workspace.orgId
  await registerReplica(db, replica, 'test')
  await postFunds(db.orm, { principal: workspace.principal, ip: null }, orgId, { amountUsd: '1', refId: 'funds', description: '' })
  await db.query(`update wallets set mode = 'prepaid' where org_id = $1`, [orgId])
  budget = new BudgetHolder(db, replica, createMetrics(), pino({ level: 'silent' }))
  const windowId = uuidv7()
  await openWindows(db, [{ id: windowId, orgId, scope: 'org', subjectId: orgId, period: 'total', startsAtMs: 0 }])
  budgets = [{ rule: { scope: 'org', subjectId: orgId, period: 'total', limit: 10_000_000_000n, timeZone: 'UTC' }, startsAtMs: 0, endsAtMs: Infinity, windowId, limit: 10_000_000_000n }]
})
afterEach(async () => {
  await budget.stop()
  expect(await checkLedger(db)).toEqual([])
  await db.close()
})

/** With a price of its own: nothing less will do. */
const hold = (refId: string, amount: bigint, withBudget: boolean) => budget.hold({ id: uuidv7(), orgId, refId, apiKeyId: null, amount, budgets: withBudget ? budgets : undefined })

async function finish({ id }: Hold, cost: bigint | null, withBudget: boolean): Promise<void> {
  await captureCalls(db, replica, [finishedCall(orgId, id, cost, { hold: { kind: 'own', id, budgets: withBudget ? budgets : undefined } })])
}

// Asked for in one turn, so they share a batch; the smaller is decided first.
describe.each([false, true])('of two calls in one batch (a budget over them: %s), the larger', (withBudget) => {
  test('is held when the smaller is refused for its ref', async () => {
    await finish(await hold('invoice', 0n, withBudget), 0n, withBudget)
    const [repeated, larger] = await Promise.allSettled([hold('invoice', SMALLER, withBudget), hold('other', LARGER, withBudget)])
    expect(repeated).toMatchObject({ status: 'rejected', reason: { code: 'ref_id_conflict' } })
    expect(larger).toMatchObject({ status: 'fulfilled', value: { kind: 'own' } })
    if (larger.status === 'fulfilled') await finish(larger.value, LARGER, withBudget)
  })

  test('waits while the smaller is under way, and is held when that has cost less', async () => {
    const larger = hold('larger', LARGER, withBudget)
    const smaller = await hold('smaller', SMALLER, withBudget)
    await finish(smaller, 100_000_000n, withBudget)
    await finish(await larger, LARGER, withBudget)
  })

  test('is refused when the smaller has spent what both needed', async () => {
    const larger = hold('larger', LARGER, withBudget)
    larger.catch(() => {})
    await finish(await hold('smaller', SMALLER, withBudget), SMALLER, withBudget)
    await expect(larger).rejects.toMatchObject({ code: 'insufficient_funds', details: { available_usd: '0.4' } })
  })
})

test('a call that waits for its money while the database goes is told that the ledger cannot be reached', async () => {
  const gone = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
  const query: Query = (text, parameters) => text.startsWith('select balance') ? Promise.reject(gone) : db.query(text, parameters)
  const short = new BudgetHolder({ ...db, query }, replica, createMetrics(), pino({ level: 'silent' }))
  const id = uuidv7()
  await expect(short.hold({ id, orgId, refId: id, apiKeyId: null, amount: 2_000_000_000n })).rejects.toMatchObject({ code: 'service_unavailable', retryAfterSeconds: 2 })
  await short.stop()
})
