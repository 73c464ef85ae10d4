import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { apiKeys, idempotencyKeys } from '../../../db/schema'
import { checkLedger } from '../../../server/billing/check-ledger'
import { getWallet } from '../../../server/billing/get-wallet'
import { holdFunds } from '../../../server/billing/hold-funds'
import { listTransactions } from '../../../server/billing/list-transactions'
import { postFunds } from '../../../server/billing/post-funds'
import { refundCharge } from '../../../server/billing/refund-charge'
import { refundWithdrawn } from '../../../server/billing/refund-withdrawn'
import { updateWallet } from '../../../server/billing/update-wallet'
import { registerReplica } from '../../../server/operations/replica'
import { TransactionQuery } from '../../../shared/billing'
import type { RefundCharge } from '../../../shared/billing'
import { openTestDatabase } from '../../support/database'
import { charge } from '../../support/ledger-entries'
import { seedWorkspace } from '../../support/seed-workspace'
import type { Workspace } from '../../support/seed-workspace'

let db: Database
let workspace: Workspace
let author: { principal: Workspace['principal'], ip: null }
const replica = uuidv7()

beforeEach(async () => {
  db = await openTestDatabase()
  workspace = await seedWorkspace(db.orm)
  author = { principal: workspace.principal, ip: null }
  await registerReplica(db, replica, 'test')
  await postFunds(db.orm, author, workspace.orgId, { amountUsd: '1', refId: 'start', description: '' })
  await updateWallet(db.orm, author, workspace.orgId, { mode: 'prepaid' })
})
afterEach(async () => {
  expect(await checkLedger(db)).toEqual([])
  await db.close()
})

const refund = (input: Pick<RefundCharge, 'chargeId'> & Partial<RefundCharge>) => refundCharge(db.orm, author, workspace.orgId, { refId: uuidv7(), description: '', ...input })
const balance = async () => (await getWallet(db.orm, workspace.orgId)).balanceNanoUsd
const list = async (query: Record<string, unknown> = {}) => (await listTransactions(db.orm, workspace.orgId, TransactionQuery.parse(query))).items

describe('a refund', () => {
  test('of an answer that was withheld is made once, and of what is left to give back', async () => {
    const [chargeId, free] = [await charge(db, replica, workspace.orgId, 300n), await charge(db, replica, workspace.orgId, 0n)]
    await refund({ chargeId, amountUsd: '0.0000001' })
    for (const id of [chargeId, free, uuidv7()]) await Promise.all([1, 2, 3].map(() => refundWithdrawn(db.orm, workspace.orgId, id)))
    expect(await list({ refId: `loom:withdrawn:${chargeId}` })).toMatchObject([{ type: 'refund', amountNanoUsd: '200', chargeId }])
    expect(await balance()).toBe('1000000000')
  })

  test('of an answer that was withheld is not made where a repeat will be given it', async () => {
    const [chargeId, apiKeyId] = [await charge(db, replica, workspace.orgId, 300n), uuidv7()]
    await db.orm.insert(apiKeys).values({ id: apiKeyId, orgId: workspace.orgId, name: 'k', keyPrefix: 'k', keyHash: apiKeyId, scopes: ['inference'] })
    await db.orm.insert(idempotencyKeys).values({ orgId: workspace.orgId, apiKeyId, key: 'k', requestHash: 'h', requestId: chargeId, replica, head: {}, answer: Buffer.from('a'), answerIv: Buffer.from('b'), expiresAt: new Date() })
    await refundWithdrawn(db.orm, workspace.orgId, chargeId)
    expect(await balance()).toBe('999999700')
  })

  test('gives a charge back, and is on record with it', async () => {
    const chargeId = await charge(db, replica, workspace.orgId, 300n)
    expect(await refund({ chargeId, description: 'wrong answer' })).toMatchObject({ amountNanoUsd: '300', wallet: { balanceNanoUsd: '1000000000' } })
    const [first, second] = await list()
    expect(first).toMatchObject({ type: 'refund', status: 'posted', amountNanoUsd: '300', chargeId, description: 'wrong answer' })
    expect(second).toMatchObject({ id: chargeId, status: 'captured', capturedNanoUsd: '300', refundedNanoUsd: '300' })
    const [entry] = await db.query(`select action, target from audit_logs where org_id = $1 order by sequence desc limit 1`, [workspace.orgId])
    expect(entry).toEqual({ action: 'charge.refund', target: `transaction:${chargeId}` })
  })

  test('in parts never exceeds the charge', async () => {
    const chargeId = await charge(db, replica, workspace.orgId, 300n)
    await refund({ chargeId, amountUsd: '0.0000001' })
    await expect(refund({ chargeId, amountUsd: '0.000000201' })).rejects.toMatchObject({ code: 'conflict', details: { refundable_usd: '0.0000002' } })
    expect(await refund({ chargeId })).toMatchObject({ amountNanoUsd: '200' })
    await expect(refund({ chargeId })).rejects.toMatchObject({ code: 'conflict' })
    await expect(refund({ chargeId, amountUsd: '0' })).rejects.toMatchObject({ code: 'conflict' })
  })

  test('raced by others of the same charge gives it back once', async () => {
    const chargeId = await charge(db, replica, workspace.orgId, 300n)
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => refund({ chargeId })))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await balance()).toBe('1000000000')
  })

  test('repeated with its ref changes nothing, and its ref names nothing else', async () => {
    const [chargeId, other] = [await charge(db, replica, workspace.orgId, 300n), await charge(db, replica, workspace.orgId, 300n)]
    const first = await refund({ chargeId, refId: 'r-1' })
    expect((await refund({ chargeId, refId: 'r-1' })).refundId).toBe(first.refundId)
    await expect(refund({ chargeId: other, refId: 'r-1' })).rejects.toMatchObject({ code: 'ref_id_conflict' })
    await expect(refund({ chargeId, refId: 'r-1', amountUsd: '0.000000001' })).rejects.toMatchObject({ code: 'ref_id_conflict' })
    await expect(refund({ chargeId: other, refId: 'start' })).rejects.toMatchObject({ code: 'ref_id_conflict' })
    expect(await balance()).toBe((1_000_000_000n - 300n).toString())
  })

  test('is of a captured charge of the org, and of nothing else', async () => {
    const held = uuidv7()
    await holdFunds(db, replica, [{ id: held, orgId: workspace.orgId, refId: held, apiKeyId: null, amount: 5n }])
    await expect(refund({ chargeId: held })).rejects.toMatchObject({ code: 'conflict' })
    const [topUp] = await list({ type: 'topup' })
    await expect(refund({ chargeId: topUp?.id ?? '' })).rejects.toMatchObject({ code: 'not_found' })
    const stranger = await seedWorkspace(db.orm)
    const foreign = await charge(db, replica, stranger.orgId, 5n)
    await expect(refund({ chargeId: foreign })).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('an adjustment', () => {
  test('adds or takes money, but not what a prepaid wallet lacks', async () => {
    await postFunds(db.orm, author, workspace.orgId, { amountUsd: '0.5', type: 'adjustment', refId: 'more', description: '' })
    await postFunds(db.orm, author, workspace.orgId, { amountUsd: '-1.5', refId: 'less', description: '' })
    await expect(postFunds(db.orm, author, workspace.orgId, { amountUsd: '-0.000000001', refId: 'too-much', description: '' })).rejects.toMatchObject({ code: 'insufficient_funds' })
    expect((await list({ type: 'adjustment' })).map(({ amountNanoUsd }) => amountNanoUsd)).toEqual(['-1500000000', '500000000'])
    expect(await balance()).toBe('0')
  })
})

test('transactions are found by type, status, ref and time, and paged without a gap', async () => {
  const ids = []
  for (const cost of [1n, 2n, 3n, 4n, 5n]) ids.push(await charge(db, replica, workspace.orgId, cost))
  const pages = []
  for (let cursor: string | undefined, page = 0; page < 3; page++) {
    const { items, nextCursor } = await listTransactions(db.orm, workspace.orgId, { limit: 2, cursor, type: 'charge', status: 'captured' })
    pages.push(items.map(({ id }) => id))
    cursor = nextCursor ?? undefined
  }
  expect(pages.flat()).toEqual(ids.reverse())
  expect((await list({ refId: 'start' })).map(({ type }) => type)).toEqual(['topup'])
  expect(await list({ to: '2020-01-01T00:00:00Z' })).toEqual([])
  expect(await list({ from: '2020-01-01T00:00:00Z' })).toHaveLength(6)
})
