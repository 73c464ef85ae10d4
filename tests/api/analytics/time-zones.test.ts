import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { ensureTracePartitions } from '../../../db/ensure-trace-partitions'
import { plotUsage } from '../../../server/analytics/plot-usage'
import { summarizeUsage } from '../../../server/analytics/summarize-usage'
import { captureCalls } from '../../../server/billing/capture-calls'
import { AnalyticsQuery, TimeseriesQuery } from '../../../shared/analytics'
import { openTestDatabase } from '../../support/database'
import { charge, finishedCall } from '../../support/ledger-entries'
import { seedWorkspace } from '../../support/seed-workspace'
import type { Workspace } from '../../support/seed-workspace'

let db: Database
let workspace: Workspace
const replica = uuidv7()

beforeEach(async () => {
  db = await openTestDatabase()
  workspace = await seedWorkspace(db.orm)
  await ensureTracePartitions(db, 9, new Date('2026-03-01T00:00:00Z'))
})
afterEach(() => db.close())

const call = (at: string, costNanoUsd = 1n, rest = {}) => charge(db, replica, workspace.orgId, costNanoUsd, { createdAt: new Date(at), ...rest })
const plot = (query: Record<string, unknown>) => plotUsage(db.orm, workspace.principal, TimeseriesQuery.parse(query))
const counts = async (query: Record<string, unknown>) => {
  const { buckets, groups } = await plot(query)
  return Object.fromEntries(buckets.map((start, index) => [start, groups[0]?.points[index]?.totalRequests]))
}

describe('days are those of the time zone', () => {
  test('one of 23 hours where the clock goes forward, one of 25 where it goes back', async () => {
    for (const at of ['2026-03-28T22:59:00Z', '2026-03-28T23:00:00Z', '2026-03-29T21:59:00Z', '2026-03-29T22:00:00Z']) await call(at)
    expect(await counts({ from: '2026-03-27T23:00:00Z', to: '2026-03-30T22:00:00Z', bucket: 'day', timeZone: 'Europe/Berlin' }))
      .toEqual({ '2026-03-27T23:00:00.000Z': 1, '2026-03-28T23:00:00.000Z': 2, '2026-03-29T22:00:00.000Z': 1 })
    for (const at of ['2026-10-24T22:00:00Z', '2026-10-25T22:59:00Z', '2026-10-25T23:00:00Z']) await call(at)
    expect(await counts({ from: '2026-10-24T22:00:00Z', to: '2026-10-26T23:00:00Z', bucket: 'day', timeZone: 'Europe/Berlin' }))
      .toEqual({ '2026-10-24T22:00:00.000Z': 2, '2026-10-25T23:00:00.000Z': 1 })
  })

  test('an hour the clock shows twice is two hours', async () => {
    for (const at of ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z']) await call(at)
    expect(await counts({ from: '2026-10-25T00:00:00Z', to: '2026-10-25T03:00:00Z', bucket: 'hour', timeZone: 'Europe/Berlin' }))
      .toEqual({ '2026-10-25T00:00:00.000Z': 1, '2026-10-25T01:00:00.000Z': 1, '2026-10-25T02:00:00.000Z': 0 })
  })

  test('begin at the whole hour before midnight where that is not one of UTC', async () => {
    await call('2026-06-01T18:10:00Z')
    expect(await counts({ from: '2026-05-31T18:00:00Z', to: '2026-06-02T18:00:00Z', bucket: 'day', timeZone: 'Asia/Kolkata' }))
      .toEqual({ '2026-05-31T18:00:00.000Z': 0, '2026-06-01T18:00:00.000Z': 1 })
  })

  test('the org\'s own is used where none is named', async () => {
    await db.query(`update orgs set settings = settings || '{"timeZone": "Asia/Tokyo"}' where id = $1`, [workspace.orgId])
    expect((await plot({})).timeZone).toBe('Asia/Tokyo')
  })

  test('months and weeks too', async () => {
    const { buckets } = await plot({ from: '2026-03-15T00:00:00Z', to: '2026-05-02T00:00:00Z', bucket: 'month', timeZone: 'America/New_York' })
    expect(buckets).toEqual(['2026-03-15T00:00:00.000Z', '2026-04-01T04:00:00.000Z', '2026-05-01T04:00:00.000Z'])
    const weeks = await plot({ from: '2026-03-25T00:00:00Z', to: '2026-04-07T00:00:00Z', bucket: 'week', timeZone: 'Europe/Berlin' })
    expect(weeks.buckets).toEqual(['2026-03-25T00:00:00.000Z', '2026-03-29T22:00:00.000Z', '2026-04-05T22:00:00.000Z'])
  })
})

describe('sums', () => {
  const march = { from: '2026-03-10T00:00:00Z', to: '2026-03-20T00:00:00Z' }

  test('of groups and of buckets are the whole, with the largest groups named and the rest in one', async () => {
    for (const [model, cost] of [['dear', 100n], ['middling', 10n], ['cheap', 2n], ['cheapest', 1n]] as const) await call('2026-03-12T10:00:00Z', cost, { model })
    await call('2026-03-15T10:00:00Z', 5n, { model: 'cheapest' })
    const { groups } = await plot({ ...march, groupBy: 'model', groups: 2 })
    expect(groups.map(({ group, isOther, estimatedCostUsd, totalRequests }) => ({ group, isOther, estimatedCostUsd, totalRequests }))).toEqual([
      { group: 'dear', isOther: false, estimatedCostUsd: '0.0000001', totalRequests: 1 },
      { group: 'middling', isOther: false, estimatedCostUsd: '0.00000001', totalRequests: 1 },
      { group: null, isOther: true, estimatedCostUsd: '0.000000008', totalRequests: 3 }
    ])
    for (const { points, totalRequests } of groups) expect(points.reduce((sum, point) => sum + point.totalRequests, 0)).toBe(totalRequests)
  })

  test('stand beside those of the period before', async () => {
    await call('2026-03-01T10:00:00Z', 3n)
    await call('2026-03-09T23:59:00Z', 4n)
    await call('2026-03-10T00:00:00Z', 5n)
    await captureCalls(db, replica, [finishedCall(workspace.orgId, uuidv7(), null, { createdAt: new Date('2026-03-19T23:59:59Z'), hold: null, statusCode: 500, latencyMs: 300 })])
    const summary = await summarizeUsage(db.orm, workspace.principal, AnalyticsQuery.parse(march))
    expect(summary).toMatchObject({ totalRequests: 2, failedRequests: 1, errorRate: 0.5, estimatedCostUsd: '0.000000005', avgLatencyMs: 150.5, previous: { from: '2026-02-28T00:00:00.000Z', totalRequests: 2, estimatedCostUsd: '0.000000007' } })
    expect(summary.p95LatencyMs).toBeGreaterThan(250)
    expect(summary.p95LatencyMs).toBeLessThan(360)
  })

  test('of all there ever was stand beside nothing', async () => {
    const summary = await summarizeUsage(db.orm, workspace.principal, AnalyticsQuery.parse({ from: '1970-01-01T00:00:00Z', to: '9999-12-31T00:00:00Z' }))
    expect(summary.previous).toMatchObject({ from: '1970-01-01T00:00:00.000Z', totalRequests: 0 })
  })

  test('name nothing of another org, and a caller bound to a project sees that one alone', async () => {
    await call('2026-03-12T10:00:00Z', 1n, { projectId: workspace.projectId })
    await call('2026-03-12T10:00:00Z', 1n)
    const stranger = await seedWorkspace(db.orm)
    const ask = (orgId: string, projectId: string | null, query = {}) => summarizeUsage(db.orm, { orgId, projectId }, AnalyticsQuery.parse({ ...march, ...query }))
    expect((await ask(stranger.orgId, null)).totalRequests).toBe(0)
    expect((await ask(stranger.orgId, null, { projectId: workspace.projectId })).totalRequests).toBe(0)
    expect((await ask(workspace.orgId, workspace.projectId)).totalRequests).toBe(1)
    expect((await ask(workspace.orgId, workspace.projectId, { projectId: stranger.projectId })).totalRequests).toBe(0)
  })
})

test.each([
  { timeZone: 'Mars/Olympus' }, { timeZone: '\'; drop table orgs' }, { window: '3y' }, { to: '2026-01-01T00:00:00Z' }, { from: '2026-02-01T00:00:00Z', to: '2026-01-01T00:00:00Z' },
  { bucket: 'hour', from: '2020-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' }, { groupBy: 'password' }, { groups: 1000 }, { apiKeyId: 'x' }, { from: '0000-01-01T00:00:00Z' }, { timeZone: '+05:30' }, { from: '1970-01-01T00:00:00Z', to: '9999-12-31T00:00:00Z' }
])('%j is refused', (query) => {
  expect(TimeseriesQuery.safeParse(query).success).toBe(false)
})
