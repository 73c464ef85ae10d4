import { pino } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { checkLedger } from '../../../server/billing/check-ledger'
import { postFunds } from '../../../server/billing/post-funds'
import { settleAbandonedHolds } from '../../../server/billing/settle-abandoned-holds'
import { Capturer } from '../../../server/gateway/capture'
import { BudgetHolder } from '../../../server/gateway/hold-budget'
import type { Metrics } from '../../../server/operations/metrics'
import { createMetrics } from '../../../server/operations/metrics'
import { registerReplica } from '../../../server/operations/replica'
import { openTestDatabase } from '../../support/database'
import { finishedCall } from '../../support/ledger-entries'
import { seedWorkspace } from '../../support/seed-workspace'
import { until } from '../../support/until'

const log = pino({ level: 'silent' })

let db: Database
let orgId: string
let replicas: Replica[]

interface Replica { budget: BudgetHolder, capturer: Capturer, metrics: Metrics }

beforeEach(async () => {
  db = await openTestDatabase()
  const workspace = await seedWorkspace(db.orm)
  orgId = workspace.orgId
  await postFunds(db.orm, { principal: workspace.principal, ip: null }, orgId, { amountUsd: '1', refId: 'funds', description: '' })
  await db.query(`update wallets set mode = 'prepaid' where org_id = $1`, [orgId])
  replicas = []
})
afterEach(async () => {
  for (const { budget } of replicas) await budget.stop()
  expect(await checkLedger(db)).toEqual([])
  await db.close()
})

/** @param isAlive false: it has never been heard of, as one that has lost the database for long */
async function startReplica({ isAlive }: { isAlive: boolean }): Promise<Replica> {
  const id = uuidv7()
  if (isAlive) await registerReplica(db, id, 'test')
  const metrics = createMetrics()
  const budget = new BudgetHolder(db, id, metrics, log)
  const replica = { budget, capturer: new Capturer(db, id, metrics, log, budget), metrics }
  replicas.push(replica)
  return replica
}

/** Holds for a call; what captures it at a cost. */
async function begin({ budget, capturer }: Replica, refId?: string) {
  const id = uuidv7()
  const hold = await budget.hold({ id, orgId, refId: refId ?? id, apiKeyId: null, amount: 100n })
  return { id, finish: (cost: bigint | null) => capturer.capture({ ...finishedCall(orgId, id, cost, { isStream: true }), hold }, true) }
}

/** As another replica does. */
const sweep = () => settleAbandonedHolds(db, 60_000, { replicaId: uuidv7(), open: new Set() })

const charges = () => db.query(`select ref_id, captured from transactions where type = 'charge' and status = 'captured' order by captured`)

/** A call whose replica was thought dead, and a repeat of it elsewhere. */
async function beginTwice(refId: string) {
  const [lost, other] = [await startReplica({ isAlive: false }), await startReplica({ isAlive: true })]
  const call = await begin(lost, refId)
  expect(await sweep()).toBe(1)
  const isLate = () => lost.metrics.failures.get().then(({ values }) => values.some(({ labels, value }) => labels.what === 'late_capture' && value > 0))
  return { call, repeat: await begin(other, refId), isLate: () => until(isLate) }
}

test.each(['charged', 'under way'])('an answer of a replica that was thought dead is not charged when a repeat of its call is %s and answered, and has its trace', async (state) => {
  const { call, repeat, isLate } = await beginTwice('invoice-1')
  if (state === 'charged') await repeat.finish(70n)
  const late = call.finish(60n)
  await isLate()
  if (state === 'under way') await repeat.finish(70n)
  await late
  expect(await charges()).toEqual([{ ref_id: 'invoice-1', captured: 70n }])
  expect(await db.query('select status_code, cost from traces where id = $1', [call.id])).toEqual([{ status_code: 200, cost: 0n }])
  expect(await db.query('select balance, held from wallets')).toEqual([{ balance: 1_000_000_000n - 70n, held: 0n }])
})

test('an answer of a replica that was thought dead is charged after all when the repeat of its call fails, and keeps its ref', async () => {
  const { call, repeat, isLate } = await beginTwice('invoice-5')
  const late = call.finish(60n)
  await isLate()
  expect(await charges()).toEqual([])
  await repeat.finish(null)
  await late
  expect(await charges()).toEqual([{ ref_id: `loom:late:${call.id}`, captured: 60n }])
  await expect(begin(await startReplica({ isAlive: true }), 'invoice-5')).rejects.toMatchObject({ code: 'ref_id_conflict' })
})

test('an answer that was charged late keeps its ref: a call that comes with it afterwards is refused', async () => {
  const [lost, other] = [await startReplica({ isAlive: false }), await startReplica({ isAlive: true })]
  const call = await begin(lost, 'invoice-2')
  expect(await sweep()).toBe(1)
  await call.finish(60n)
  await expect(begin(other, 'invoice-2')).rejects.toMatchObject({ code: 'ref_id_conflict' })
  expect(await charges()).toEqual([{ ref_id: `loom:late:${call.id}`, captured: 60n }])
  expect(await db.query(`select type, status, amount, balance_after, actor, description from transactions where ref_id = 'invoice-2' and status <> 'expired'`)).toEqual([
    { type: 'adjustment', status: 'posted', amount: 0n, balance_after: 1_000_000_000n - 60n, actor: 'system', description: `Charged late, as loom:late:${call.id}` }
  ])
})

test('an answer that is captured late twice, its first commit unheard, is charged once', async () => {
  const call = await begin(await startReplica({ isAlive: false }), 'invoice-3')
  expect(await sweep()).toBe(1)
  await call.finish(60n)
  await call.finish(60n)
  expect(await charges()).toEqual([{ ref_id: `loom:late:${call.id}`, captured: 60n }])
})

test('a call without a ref of its own leaves nothing but its late charge, and one that failed leaves its ref free', async () => {
  const [lost, other] = [await startReplica({ isAlive: false }), await startReplica({ isAlive: true })]
  const [plain, failed] = [await begin(lost), await begin(lost, 'invoice-4')]
  expect(await sweep()).toBe(2)
  await plain.finish(60n)
  await failed.finish(null)
  await (await begin(other, 'invoice-4')).finish(70n)
  expect(await charges()).toEqual([{ ref_id: `loom:late:${plain.id}`, captured: 60n }, { ref_id: 'invoice-4', captured: 70n }])
  expect(await db.query(`select from transactions where type = 'adjustment'`)).toEqual([])
})
