import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { ensureTracePartitions } from '../../../db/ensure-trace-partitions'
import { migrate, revertLast } from '../../../db/migrate'
import { percentile, readHistogram } from '../../../server/analytics/latency-histogram'
import { mergeUsage, reclaimPending } from '../../../server/analytics/merge-usage'
import { plotUsage } from '../../../server/analytics/plot-usage'
import { rebuildUsage } from '../../../server/analytics/rebuild-usage'
import { summarizeUsage } from '../../../server/analytics/summarize-usage'
import { captureCalls } from '../../../server/billing/capture-calls'
import type { FinishedCall } from '../../../server/billing/finished-call'
import { noUsage } from '../../../server/gateway/usage'
import { listFacets } from '../../../server/traces/list-facets'
import { AnalyticsQuery, TimeseriesQuery } from '../../../shared/analytics'
import { openTestDatabase, readTestMigrations, testDatabaseKind } from '../../support/database'
import { charge, finishedCall } from '../../support/ledger-entries'
import { seedWorkspace } from '../../support/seed-workspace'
import type { Workspace } from '../../support/seed-workspace'
import { until } from '../../support/until'

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
const pending = async () => (await db.query('select count(*)::int as calls from usage_pending'))[0]?.calls
async function rows() {
  await mergeUsage(db)
  expect(await pending()).toBe(0)
  return db.query('select * from usage_hourly order by hour, model, status_code, slot')
}
async function totals() {
  await mergeUsage(db)
  return db.query('select hour, requests, failed, charges, cost from usage_hourly_totals order by hour')
}
/** All that the dashboard tells of the org's calls. */
async function figures() {
  const span = { from: '2026-10-24T00:00:00Z', to: '2026-10-28T00:00:00Z', timeZone: 'UTC' }
  const reader = { orgId, projectId: null, userId: workspace.userId, role: 'owner' as const }
  const plot = (query: object) => plotUsage(db.orm, reader, TimeseriesQuery.parse({ ...span, ...query }))
  const sum = (query: object, projectId: string | null = null) => summarizeUsage(db.orm, { ...reader, projectId }, AnalyticsQuery.parse({ ...span, ...query }))
  return {
    whole: await sum({}), failed: await sum({ status: 'error' }), exactly: await sum({ status: '502' }), within: await sum({}, workspace.projectId),
    course: await plot({ bucket: 'hour' }), byModel: await plot({ groupBy: 'model' }), byStatus: await plot({ groupBy: 'status', percentiles: 'no' }), plain: await plot({ percentiles: 'no' }),
    byProvider: await plot({ groupBy: 'provider' }), byProject: await plot({ groupBy: 'project' }), byKey: await plot({ groupBy: 'key' }), byUser: await plot({ groupBy: 'user' }), facets: await listFacets(db, reader)
  }
}
/** The statements that wait for a lock. */
const WAITING = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
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
    expect((await rows()).reduce((sum, { requests }) => sum + BigInt(String(requests)), 0n)).toBe(180n)
    await equal()
  })
})

describe('merging', () => {
  /** Calls of two hours, and of now. */
  async function capture() {
    await answered({ projectId: workspace.projectId, userId: workspace.userId })
    await captureCalls(db, replica, [failed(), failed({ latencyMs: 5_000, ttfbMs: null }), failed({ createdAt: new Date('2026-10-25T01:00:00Z'), cache: 'hit' }), failed({ createdAt: new Date(), model: 'new' })])
  }

  test('changes no figure: each call counts from when it is captured, wherever it is', async () => {
    await capture()
    const [first, before] = [await pending(), await figures()]
    expect(first).toBe(5)
    expect(before).toMatchObject({
      whole: { totalRequests: 4, failedRequests: 3, cacheHits: 1, inputTokens: 10, estimatedCostUsd: '0.000001' }, failed: { totalRequests: 3 }, exactly: { totalRequests: 3 }, within: { totalRequests: 1 },
      byModel: { groups: [{ group: 'm', totalRequests: 4 }] }, byProject: { groups: [{ totalRequests: 1 }, { totalRequests: 3 }] }, byUser: { groups: [{ totalRequests: 1 }, { totalRequests: 3 }] }, facets: { model: [{ value: 'new', requests: 1 }] }
    })
    await equal()
    await mergeUsage(db)
    expect(await pending()).toBe(0)
    expect(await figures()).toEqual(before)
    await equal()
    // As versions before left them.
    await db.query('update usage_hourly set slot = 3')
    await db.query('update usage_hourly_totals set slot = 3')
    await capture()
    const twice = await figures()
    expect(twice).toMatchObject({ whole: { totalRequests: 8, failedRequests: 6, p95LatencyMs: before.whole.p95LatencyMs }, byModel: { groups: [{ group: 'm', totalRequests: 8 }] } })
    await mergeUsage(db)
    expect(await figures()).toEqual(twice)
    await equal()
  })

  test('that is broken off, or fails, loses nothing', async () => {
    await capture()
    const before = await figures()
    await expect(db.transaction(async (query) => {
      await mergeUsage({ query })
      throw new Error('gone')
    })).rejects.toThrow('gone')
    expect([await pending(), await figures()]).toEqual([5, before])
    await db.query('alter table usage_hourly_totals add constraint refused check (requests < 0)')
    await expect(mergeUsage(db)).rejects.toThrow('refused')
    expect([await pending(), await figures()]).toEqual([5, before])
    await db.query('alter table usage_hourly_totals drop constraint refused')
    await mergeUsage(db)
    expect([await pending(), await figures()]).toEqual([0, before])
    await equal()
  })

  test('by several at once, beside captures, counts each call once', async () => {
    const work = Array.from({ length: 12 }, async (_, n) => n % 2 === 0 ? mergeUsage(db) : captureCalls(db, replica, Array.from({ length: 20 }, (_, call) => failed({ model: `m${call % 3}` }))))
    await Promise.all(work)
    expect((await figures()).whole.totalRequests).toBe(120)
    expect((await rows()).map(({ requests }) => requests)).toEqual([42n, 42n, 36n])
    await equal()
  })

  test.runIf(testDatabaseKind === 'embedded')('leaves its place to the next calls', async () => {
    const sizes: unknown[] = []
    for (let round = 0; round < 4; round++) {
      await answered()
      await db.query('insert into usage_pending select usage_pending.* from usage_pending, generate_series(1, 500)')
      await mergeUsage(db)
      await reclaimPending(db)
      sizes.push((await db.query(`select pg_relation_size('usage_pending')::int as bytes`))[0]?.bytes)
    }
    expect(sizes[0]).toBeGreaterThan(0)
    expect(sizes).toEqual(sizes.map(() => sizes[0]))
  })

  test('takes no call of an organisation that is gone', async () => {
    await answered()
    await db.query('update usage_pending set org_id = $1', [uuidv7()])
    expect(await rows()).toEqual([])
  })

  // The embedded database runs one transaction at a time.
  test.runIf(testDatabaseKind === 'postgres')('counts a call that was captured before, and committed after', async () => {
    await db.transaction(async (query) => {
      await captureCalls({ query }, replica, [failed()])
      await captureCalls(db, replica, [failed()])
      expect(await rows()).toMatchObject([{ requests: 1n }])
    })
    expect(await pending()).toBe(1)
    expect((await figures()).whole.totalRequests).toBe(2)
    expect(await rows()).toMatchObject([{ requests: 2n }])
    await equal()
  })

  test.runIf(testDatabaseKind === 'postgres')('waits for no organisation that is being purged', async () => {
    await captureCalls(db, replica, [failed()])
    await db.transaction(async (query) => {
      await query('select from orgs where id = $1 for update', [orgId])
      await mergeUsage(db)
      expect(await pending()).toBe(1)
    })
    expect(await rows()).toMatchObject([{ requests: 1n }])
  })

  test('is done by the way back to a version that does not know what is pending', async () => {
    await capture()
    await mergeUsage(db)
    await capture()
    const before = await figures()
    const migrations = await readTestMigrations()
    for (let tag; tag !== '0023_usage_pending';) tag = await revertLast(db, migrations)
    expect(await db.query('select sum(requests)::int as requests from usage_hourly union all select sum(requests)::int from usage_hourly_totals')).toEqual([{ requests: 10 }, { requests: 10 }])
    await migrate(db, migrations)
    expect(await figures()).toEqual(before)
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

  test('leaves what is pending where the hours are right, and counts it once where they are not', async () => {
    await answered()
    await mergeUsage(db)
    await captureCalls(db, replica, [failed()])
    const before = await figures()
    expect(await rebuildUsage(db)).toEqual({ days: 1, rebuilt: 0, unequal: [] })
    expect([await pending(), await figures()]).toEqual([1, before])
    await db.query('update usage_hourly_totals set cost = cost + 1')
    expect(await rebuildUsage(db)).toEqual({ days: 1, rebuilt: 1, unequal: [] })
    expect([await pending(), await figures()]).toEqual([1, before])
    await db.query('update usage_hourly set cost = cost + 1')
    expect(await rebuildUsage(db)).toEqual({ days: 1, rebuilt: 1, unequal: [] })
    expect([await pending(), await figures()]).toEqual([0, before])
    await db.query('delete from usage_hourly')
    await captureCalls(db, replica, [failed({ createdAt: new Date('2026-10-27T12:00:00Z') })])
    await db.query('insert into usage_pending select * from usage_pending')
    expect(await rebuildUsage(db)).toEqual({ days: 3, rebuilt: 2, unequal: [] })
    expect((await rows()).map(({ requests }) => requests)).toEqual([1n, 1n, 1n])
    await equal()
  })

  test.skipIf(testDatabaseKind === 'embedded')('holds up no call, neither while it compares nor while it waits to write', async () => {
    const captured = () => captureCalls(db, replica, [failed()])
    await captured()
    await mergeUsage(db)
    let rebuilding: ReturnType<typeof rebuildUsage> | undefined
    // Nobody reads the totals, so the comparison takes until this ends.
    await db.transaction(async (query) => {
      await query('lock table usage_hourly_totals in access exclusive mode')
      rebuilding = rebuildUsage(db)
      await until(async () => (await db.query(WAITING)).length > 0, { what: () => 'the comparison to wait' })
      await captured()
    })
    expect(await rebuilding).toEqual({ days: 1, rebuilt: 0, unequal: [] })
    // Somebody writes to the hours, as a purge may for long.
    await db.query('update usage_hourly set cost = cost + 1')
    await db.transaction(async (query) => {
      await query('lock table usage_hourly in row exclusive mode')
      rebuilding = rebuildUsage(db)
      await until(async () => (await db.query(WAITING)).length > 0, { what: () => 'writing anew to wait' })
      await captured()
    })
    expect(await rebuilding).toEqual({ days: 1, rebuilt: 1, unequal: [] })
    expect(await rows()).toMatchObject([{ requests: 3n }])
    await equal()
  })

  test('beside calls being captured and merged counts each once', async () => {
    const capturing = Promise.all(Array.from({ length: 10 }, async () => {
      await captureCalls(db, replica, [failed()])
      await mergeUsage(db)
    }))
    await rebuildUsage(db)
    await capturing
    expect(await rows()).toMatchObject([{ requests: 10n }])
    await equal()
  })
})
