import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { ensureTracePartitions } from '../../../db/ensure-trace-partitions'
import { percentile, readHistogram } from '../../../server/analytics/latency-histogram'
import { rebuildUsage } from '../../../server/analytics/rebuild-usage'
import { captureCalls } from '../../../server/billing/capture-calls'
import type { FinishedCall } from '../../../server/billing/finished-call'
import { noUsage } from '../../../server/gateway/usage'
import { openTestDatabase } from '../../support/database'
import { charge, finishedCall } from '../../support/ledger-entries'
import { seedWorkspace } from '../../support/seed-workspace'
import type { Workspace } from '../../support/seed-workspace'

let db: Database
let workspace: Workspace
let orgId: string
const replica = uuidv7()
const createdAt = new Date('2026-10-25T00:59:59.999Z')
const usage = { ...noUsage, inputTokens: 10, outputTokens: 5, cachedInputTokens: 3, reasoningTokens: 2 }

beforeEach(async () => {
  db = await openTestDatabase()
  workspace = await seedWorkspace(db.orm)
  orgId = workspace.orgId
  await ensureTracePartitions(db, 1, createdAt)
})
afterEach(() => db.close())

const answered = (rest: Partial<FinishedCall> = {}) => charge(db, replica, orgId, 1_000n, { createdAt, usage, latencyMs: 100, ttfbMs: 20, gatewayOverheadMs: 0.75, ...rest })
const failed = (rest: Partial<FinishedCall> = {}) => finishedCall(orgId, uuidv7(), null, { createdAt, hold: null, statusCode: 502, errorType: 'upstream_error', ...rest })
const rows = () => db.query('select * from usage_hourly order by hour, model, status_code, slot')
const totals = async () => (await db.query('select hour, requests, failed, charges, cost from usage_hourly_totals order by hour')).map(row => ({ ...row }))
const equal = async () => expect(await rebuildUsage(db, { repair: false })).toEqual({ days: expect.any(Number), rebuilt: 0, unequal: [] })

describe('capturing a call', () => {
  test('adds it to its hour, with who, what and how long', async () => {
    await answered({ projectId: workspace.projectId, userId: workspace.userId })
    const [row] = await rows()
    expect(row).toMatchObject({
      hour: '2026-10-25 00:00:00+00', project_id: workspace.projectId, user_id: workspace.userId, api_key_id: '00000000-0000-0000-0000-000000000000', provider: 'demo', model: 'm', status_code: 200,
      requests: 1n, charges: 1n, cache_hits: 0n, input_tokens: 10n, output_tokens: 5n, cached_input_tokens: 3n, reasoning_tokens: 2n, cost: 1_000n, latency_ms: 100n, ttfb_ms: 20n, overhead_us: 750n
    })
    const within = (column: string, ms: number) => {
      const found = percentile(readHistogram(String(row?.[column])), 0.5)
      expect(found).toBeGreaterThan(ms / 1.2)
      expect(found).toBeLessThan(ms * 1.2)
    }
    within('latency_histogram', 100)
    within('ttfb_histogram', 20)
    within('overhead_histogram', 0.75)
    await equal()
  })

  test('merges those of one hour into one row, in one batch and over several', async () => {
    for (let call = 0; call < 3; call++) await answered()
    await captureCalls(db, replica, [failed(), failed(), failed({ createdAt: new Date('2026-10-25T01:00:00Z') })])
    expect((await rows()).map(({ hour, status_code, requests, charges }) => ({ hour, status_code, requests, charges }))).toEqual([
      { hour: '2026-10-25 00:00:00+00', status_code: 200, requests: 3n, charges: 3n },
      { hour: '2026-10-25 00:00:00+00', status_code: 502, requests: 2n, charges: 0n },
      { hour: '2026-10-25 01:00:00+00', status_code: 502, requests: 1n, charges: 0n }
    ])
    expect(await totals()).toEqual([
      { hour: '2026-10-25 00:00:00+00', requests: 5n, failed: 2n, charges: 3n, cost: 3_000n },
      { hour: '2026-10-25 01:00:00+00', requests: 1n, failed: 1n, charges: 0n, cost: 0n }
    ])
    await equal()
  })

  test('again, as after a lost answer, counts it once', async () => {
    const call = failed()
    await captureCalls(db, replica, [call])
    await captureCalls(db, replica, [call])
    expect(await rows()).toMatchObject([{ requests: 1n }])
    await equal()
  })

  test('of a model nobody has makes no row of its own', async () => {
    await captureCalls(db, replica, Array.from({ length: 20 }, (_, n) => failed({ provider: 'none', model: `made-up-${n}`, statusCode: 404 })))
    expect(await rows()).toMatchObject([{ model: '', requests: 20n }])
    await equal()
  })

  test('on many replicas at once loses none', async () => {
    await Promise.all(Array.from({ length: 12 }, async () => {
      const id = uuidv7()
      for (let batch = 0; batch < 3; batch++) await captureCalls(db, id, Array.from({ length: 5 }, (_, n) => failed({ model: `m${n}` })))
    }))
    const [total] = await db.query('select sum(requests)::bigint as requests from usage_hourly')
    expect(total).toEqual({ requests: 180n })
    await equal()
  })
})

describe('rebuilding', () => {
  test('makes lost and tampered hours again what the calls add up to, and proves it', async () => {
    await answered()
    await answered({ createdAt: new Date('2026-10-27T12:00:00Z'), model: 'other' })
    await captureCalls(db, replica, [failed()])
    const before = await rows()
    await db.query('update usage_hourly set cost = cost + 1, latency_histogram = 7 where model = $1', ['m'])
    await db.query('delete from usage_hourly where model = $1', ['other'])
    expect(await rebuildUsage(db, { repair: false })).toMatchObject({ unequal: [{ orgId, day: '2026-10-25' }, { orgId, day: '2026-10-27' }] })
    expect(await rebuildUsage(db)).toEqual({ days: 3, rebuilt: 2, unequal: [] })
    expect((await rows()).map(row => ({ ...row, slot: 0 }))).toEqual(before.map(row => ({ ...row, slot: 0 })))
    expect(await rebuildUsage(db)).toEqual({ days: 3, rebuilt: 0, unequal: [] })
  })

  test('makes the totals of an org again what its hours add up to', async () => {
    await answered()
    await answered({ createdAt: new Date('2026-10-27T12:00:00Z') })
    const before = await totals()
    await db.query(`update usage_hourly_totals set failed = 7, latency_histogram = 7 where hour < '2026-10-26'`)
    await db.query(`delete from usage_hourly_totals where hour > '2026-10-26'`)
    expect(await rebuildUsage(db, { repair: false })).toMatchObject({ unequal: [{ orgId, day: '2026-10-25' }, { orgId, day: '2026-10-27' }] })
    expect(await rebuildUsage(db)).toEqual({ days: 3, rebuilt: 2, unequal: [] })
    expect(await totals()).toEqual(before)
    await equal()
  })

  test('keeps failures and latencies of a day whose traces are gone, while its charges agree', async () => {
    await answered()
    await captureCalls(db, replica, [failed()])
    const before = await rows()
    await db.query('delete from traces')
    expect(await rebuildUsage(db)).toEqual({ days: 1, rebuilt: 0, unequal: [] })
    expect(await rows()).toEqual(before)
    await db.query('delete from usage_hourly')
    expect(await rebuildUsage(db)).toEqual({ days: 1, rebuilt: 1, unequal: [] })
    expect(await rows()).toMatchObject([{ requests: 1n, charges: 1n, cost: 1_000n, latency_histogram: '0' }])
  })

  test('beside calls being captured counts each once', async () => {
    const capturing = Promise.all(Array.from({ length: 10 }, () => captureCalls(db, replica, [failed()])))
    await rebuildUsage(db)
    await capturing
    expect((await db.query('select sum(requests)::bigint as requests from usage_hourly'))[0]).toEqual({ requests: 10n })
    await equal()
  })
})
