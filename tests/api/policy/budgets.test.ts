import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { captureCalls } from '../../../server/billing/capture-calls'
import type { FinishedCall } from '../../../server/billing/finished-call'
import { checkLedger } from '../../../server/billing/check-ledger'
import { holdAtMost } from '../../../server/billing/hold-at-most'
import { holdFunds } from '../../../server/billing/hold-funds'
import type { BudgetShare, HoldRequest } from '../../../server/billing/hold-funds'
import { openWindows } from '../../../server/billing/open-windows'
import { postFunds } from '../../../server/billing/post-funds'
import { settleAbandonedHolds } from '../../../server/billing/settle-abandoned-holds'
import { noUsage } from '../../../server/gateway/usage'
import { registerReplica } from '../../../server/operations/replica'
import { openTestDatabase } from '../../support/database'
import { seedWorkspace } from '../../support/seed-workspace'
import type { Workspace } from '../../support/seed-workspace'

let db: Database
let workspace: Workspace
const replica = uuidv7()

beforeEach(async () => {
  db = await openTestDatabase()
  workspace = await seedWorkspace(db.orm)
  await registerReplica(db, replica, 'test')
  await postFunds(db.orm, { principal: workspace.principal, ip: null }, workspace.orgId, { amountUsd: '0.00001', refId: 'start', description: '' })
  await db.query(`update wallets set mode = 'prepaid' where org_id = $1`, [workspace.orgId])
})
afterEach(() => db.close())

async function window(): Promise<string> {
  const id = uuidv7()
  await openWindows(db, [{ id, orgId: workspace.orgId, scope: 'key', subjectId: uuidv7(), period: 'day', startsAtMs: 0 }])
  return id
}

const request = (amount: bigint, ...budgets: BudgetShare[]): HoldRequest => {
  const id = uuidv7()
  return { id, orgId: workspace.orgId, refId: id, apiKeyId: null, amount, budgets: budgets.length > 0 ? budgets : undefined }
}

async function held(id: string): Promise<unknown> {
  const [row] = await db.query('select held, spent from budget_windows where id = $1', [id])
  return row
}

describe('holding within budgets', () => {
  test('a budget never holds more than its limit, the smallest calls first', async () => {
    const windowId = await window()
    const share = { windowId, limit: 1_000n }
    const results = await holdFunds(db, replica, [request(700n, share), request(600n, share), request(300n, share), request(100n, share)])
    expect(results.map(({ outcome }) => outcome)).toEqual(['over_budget', 'held', 'held', 'held'])
    expect(results[0]).toEqual({ outcome: 'over_budget', windowId, available: 1_000n })
    expect(await held(windowId)).toEqual({ held: 1_000n, spent: 0n })
  })

  test('every budget of a call must reach, and the tightest is told', async () => {
    const [day, month] = [await window(), await window()]
    const results = await holdFunds(db, replica, [request(200n, { windowId: day, limit: 1_000n }, { windowId: month, limit: 199n })])
    expect(results).toEqual([{ outcome: 'over_budget', windowId: month, available: 199n }])
    expect(await held(day)).toEqual({ held: 0n, spent: 0n })
  })

  test('what a budget refuses counts neither against the wallet nor for other calls', async () => {
    const windowId = await window()
    const results = await holdFunds(db, replica, [request(9_000n, { windowId, limit: 10n }), request(9_500n)])
    expect(results.map(({ outcome }) => outcome)).toEqual(['over_budget', 'held'])
  })

  test('a wallet that does not reach takes nothing of a budget', async () => {
    const windowId = await window()
    expect(await holdFunds(db, replica, [request(10_001n, { windowId, limit: 100_000n })])).toEqual([{ outcome: 'insufficient', available: 10_000n }])
    expect(await held(windowId)).toEqual({ held: 0n, spent: 0n })
  })

  test('a window without a row is told, and nothing is held', async () => {
    const known = { windowId: await window(), limit: 100n }
    expect(await holdFunds(db, replica, [request(10n, { windowId: uuidv7(), limit: 100n }, known)])).toEqual([{ outcome: 'no_window' }])
    expect(await held(known.windowId)).toEqual({ held: 0n, spent: 0n })
    expect(await db.query(`select id from transactions where status = 'held'`)).toEqual([])
  })

  test('batches racing on budgets shared in every combination never exceed one, and never lock each other out', async () => {
    const windows = await Promise.all(Array.from({ length: 6 }, window))
    const shares = windows.map((windowId, index) => ({ windowId, limit: 300n + BigInt(index) }))
    const pick = (seed: number) => shares.filter((_, index) => (seed >> index) % 2 === 1).sort(() => seed % 2 - 0.5)
    const results = await Promise.all(Array.from({ length: 40 }, (_, batch) => holdFunds(db, replica, Array.from({ length: 5 }, (_, n) => request(BigInt(7 + n), ...pick(1 + (batch * 5 + n) % 63))))))
    expect(results.flat().some(({ outcome }) => outcome === 'held')).toBe(true)
    for (const { windowId, limit } of shares) {
      const [row] = await db.query(`select w.held <= $2 as within, w.held = coalesce((select sum(held) from transactions where $1 = any(budget_windows)), 0) as exact from budget_windows w where id = $1::uuid`, [windowId, limit])
      expect(row).toEqual({ within: true, exact: true })
    }
  })
})

describe('settling', () => {
  test('moves what a call cost from held to spent, and gives the rest back', async () => {
    const share = { windowId: await window(), limit: 1_000n }
    const [charged, failed] = [request(400n, share), request(500n, share)]
    await holdFunds(db, replica, [charged, failed])
    expect(await captureCalls(db, replica, [captured(charged, 150n), captured(failed, null)])).toEqual(['settled', 'settled'])
    expect(await held(share.windowId)).toEqual({ held: 0n, spent: 150n })
    expect(await captureCalls(db, replica, [captured(charged, 150n)])).toEqual(['gone'])
    expect(await held(share.windowId)).toEqual({ held: 0n, spent: 150n })
    expect(await checkLedger(db)).toEqual([])
  })

  test('charges beyond a hold only as far as every budget reaches, whatever the wallet', async () => {
    for (const mode of ['prepaid', 'unlimited']) {
      await db.query('update wallets set mode = $1 where org_id = $2', [mode, workspace.orgId])
      const share = { windowId: await window(), limit: 1_000n }
      const [fitting, beyond] = [request(100n, share), request(100n, share)]
      await holdFunds(db, replica, [fitting, beyond])
      expect(await captureCalls(db, replica, [captured(fitting, 400n), captured(beyond, 900n)])).toEqual(['settled', { shortBy: 300n }])
      expect(await held(share.windowId)).toEqual({ held: 0n, spent: 1_000n })
    }
    expect(await checkLedger(db)).toEqual([])
  })

  test('calls with and without budgets settle together', async () => {
    const share = { windowId: await window(), limit: 1_000n }
    const [bounded, free] = [request(100n, share), request(200n)]
    await holdFunds(db, replica, [bounded, free])
    expect(await captureCalls(db, replica, [captured(bounded, 50n), captured(free, 60n)])).toEqual(['settled', 'settled'])
    expect(await held(share.windowId)).toEqual({ held: 0n, spent: 50n })
    expect(await checkLedger(db)).toEqual([])
  })

  test('the sweeper gives an abandoned hold back to its budgets', async () => {
    const share = { windowId: await window(), limit: 1_000n }
    const [abandoned, known] = [request(300n, share), request(200n, share)]
    await holdFunds(db, replica, [abandoned, known])
    expect(await settleAbandonedHolds(db, 0, { replicaId: replica, open: new Set([known.id]) })).toBe(1)
    expect(await held(share.windowId)).toEqual({ held: 200n, spent: 0n })
    expect(await checkLedger(db)).toEqual([])
  })

  test('what was answered late is charged as far as wallet and budgets reach', async () => {
    const [wide, narrow] = [{ windowId: await window(), limit: 1_000_000n }, { windowId: await window(), limit: 300n }]
    for (const asked of [request(200n, wide, narrow), request(200n, wide, narrow), request(50_000n, wide)]) expect(await holdAtMost(db, replica, asked)).toBe(true)
    expect(await held(narrow.windowId)).toEqual({ held: 300n, spent: 0n })
    expect(await held(wide.windowId)).toEqual({ held: 10_000n, spent: 0n })
    // A limit that was lowered below what is spent.
    expect(await holdAtMost(db, replica, request(1n, { ...narrow, limit: 10n }))).toBe(true)
    expect(await held(narrow.windowId)).toEqual({ held: 300n, spent: 0n })
  })

  test('the check finds a window that was tampered with', async () => {
    const windowId = await window()
    await db.query('update budget_windows set spent = 1 where id = $1', [windowId])
    expect(await checkLedger(db)).toMatchObject([{ rule: `budget window = its charges: ${windowId}`, expected: '0 spent, 0 held', found: '1 spent, 0 held' }])
  })

  test('holding, settling and sweeping at once stay exact', async () => {
    const shares = (await Promise.all([window(), window(), window()])).map(windowId => ({ windowId, limit: 5_000n }))
    const work = async (n: number) => {
      const calls = Array.from({ length: 4 }, (_, index) => request(BigInt(20 + index), ...shares.slice(0, 1 + (n + index) % 3)))
      const results = await holdFunds(db, replica, calls)
      const taken = calls.filter((_, index) => results[index]?.outcome === 'held')
      await Promise.all([captureCalls(db, replica, taken.slice(0, 2).map((call, index) => captured(call, index === 0 ? 25n : null))), settleAbandonedHolds(db, 0, { replicaId: replica, open: new Set(taken.map(({ id }) => id)) })])
    }
    await Promise.all(Array.from({ length: 20 }, (_, n) => work(n)))
    expect(await checkLedger(db)).toEqual([])
  })
})

function captured({ id, orgId, budgets }: HoldRequest, costNanoUsd: bigint | null): FinishedCall {
  return {
    id, hold: { kind: 'own', id, budgets }, createdAt: new Date(), orgId, projectId: null, apiKeyId: null, userId: null, conversationId: null, messageId: null,
    endpoint: 'test', requestedModel: 'm', model: 'm', provider: 'demo', statusCode: 200, errorType: null, isStream: false, cache: 'none', attempts: [],
    latencyMs: 1, ttfbMs: null, gatewayOverheadMs: 0.5, usage: noUsage, encryptionKeyVersion: 1, request: null, response: null,
    charge: costNanoUsd === null ? null : { costNanoUsd, usageSource: 'provider', rawUsage: null, price: { source: 'test' } }
  }
}
