import { pino } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { openPostgres } from '../../../db/open-postgres'
import { checkLedger } from '../../../server/billing/check-ledger'
import { postFunds } from '../../../server/billing/post-funds'
import { settleAbandonedHolds } from '../../../server/billing/settle-abandoned-holds'
import { Capturer } from '../../../server/gateway/capture'
import type { Hold } from '../../../server/gateway/hold-budget'
import { BudgetHolder } from '../../../server/gateway/hold-budget'
import { createMetrics } from '../../../server/operations/metrics'
import { registerReplica } from '../../../server/operations/replica'
import { createPostgresDatabase, testDatabaseKind } from '../../support/database'
import { finishedCall } from '../../support/ledger-entries'
import type { LossyProxy } from '../../support/lossy-proxy'
import { startLossyProxy } from '../../support/lossy-proxy'
import { seedWorkspace } from '../../support/seed-workspace'
import { until } from '../../support/until'

const log = pino({ level: 'silent' })
const replica = uuidv7()
const AMOUNT = 100n

let proxy: LossyProxy
/** As the gateway has it, by way of the proxy. */
let db: Database
/** As everybody else sees it. */
let direct: Database
let orgId: string
let budget: BudgetHolder
let capturer: Capturer
let drop: () => Promise<void>

// The embedded database is in the process: nothing gets lost on the way.
describe.runIf(testDatabaseKind === 'postgres')('a commit that the gateway does not hear of, for the connection breaks', () => {
  beforeEach(async () => {
    const database = await createPostgresDatabase()
    drop = database.drop
    proxy = await startLossyProxy(database.url)
    direct = openPostgres({ url: database.url, poolSize: 2, statementTimeoutMs: 30_000 })
    db = openPostgres({ url: proxy.url, poolSize: 2, statementTimeoutMs: 30_000 })
    const workspace = await seedWorkspace(direct.orm)
    orgId = workspace.orgId
    await postFunds(direct.orm, { principal: workspace.principal, ip: null }, orgId, { amountUsd: '1', refId: 'funds', description: '' })
    await direct.query(`update wallets set mode = 'prepaid'`)
    await registerReplica(direct, replica, 'test')
    const metrics = createMetrics()
    budget = new BudgetHolder(db, replica, metrics, log)
    capturer = new Capturer(db, replica, metrics, log, budget)
  })
  afterEach(async () => {
    await budget.stop()
    expect(await checkLedger(direct)).toEqual([])
    await db.close()
    await proxy.stop()
    await direct.close()
    await drop()
  })

  test.each(['own', 'lease'] as const)('charges a call once (its hold: %s)', async (kind) => {
    const { id, hold: held } = await holdOf(kind)
    await unheard(() => capturer.capture({ ...finishedCall(orgId, id, 60n), hold: held }, true), id, 'captured')
    expect(await direct.query(`select id, captured from transactions where status = 'captured'`)).toEqual([{ id, captured: 60n }])
    expect(await direct.query('select id, cost from usage_records')).toEqual([{ id, cost: 60n }])
    await budget.stop()
    expect(await direct.query('select balance, held from wallets')).toEqual([{ balance: 1_000_000_000n - 60n, held: 0n }])
  })

  test.each(['own', 'lease'] as const)('gives back what a call was charged whose answer is withheld (its hold: %s)', async (kind) => {
    const { id, hold: held } = await holdOf(kind)
    proxy.loseAnswers()
    const captured = capturer.capture({ ...finishedCall(orgId, id, 60n), hold: held }, false)
    captured.catch(() => {})
    await until(async () => (await direct.query(`select from transactions where id = $1 and status = 'captured'`, [id])).length === 1, { what: () => 'the charge' })
    proxy.leave()
    await expect(captured).rejects.toMatchObject({ code: 'service_unavailable' })
    proxy.open()
    await until(async () => (await direct.query(`select from transactions where type = 'refund'`)).length === 1, { what: () => 'the refund' })
    await capturer.stop()
    await budget.stop()
    expect(await direct.query(`select ref_id, amount, charge_id, actor from transactions where type = 'refund'`)).toEqual([{ ref_id: `loom:withdrawn:${id}`, amount: 60n, charge_id: id, actor: 'system' }])
    expect(await direct.query('select balance, held from wallets')).toEqual([{ balance: 1_000_000_000n, held: 0n }])
  })

  test('refuses a call whose hold it was, and the sweeper gives the money back', async () => {
    const id = uuidv7()
    await expect(unheard(() => hold(id), id, 'held')).rejects.toMatchObject({ code: 'service_unavailable' })
    expect(await settleAbandonedHolds(direct, 0, { replicaId: replica, open: budget.open })).toBe(1)
    expect(await direct.query('select balance, held from wallets')).toEqual([{ balance: 1_000_000_000n, held: 0n }])
  })
})

const hold = (id: string) => budget.hold({ id, orgId, refId: id, apiKeyId: null, amount: AMOUNT })

/** The outcome of `work`, whose connection breaks once the transaction `id` has this status, before the news of it. */
async function unheard<T>(work: () => Promise<T>, id: string, status: string): Promise<T> {
  proxy.loseAnswers()
  const outcome = work()
  outcome.catch(() => {})
  try {
    await until(async () => (await direct.query('select from transactions where id = $1 and status = $2', [id, status])).length === 1, { what: () => `the row to be ${status}` })
  } finally {
    proxy.cut()
  }
  return outcome
}

/** Calls until one is held in this way; a busy org's calls are held by leases. */
async function holdOf(kind: Hold['kind']): Promise<{ id: string, hold: Hold }> {
  return until(async () => {
    const id = uuidv7()
    const held = await hold(id)
    if (held.kind === kind) return { id, hold: held }
    await capturer.capture({ ...finishedCall(orgId, id, null), hold: held }, true)
    return undefined
  }, { timeoutMs: 30_000, what: () => `a hold of the kind ${kind}` })
}
