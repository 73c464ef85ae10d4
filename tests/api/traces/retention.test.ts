import { v7 as uuidv7 } from 'uuid'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Database, Query } from '../../../db/client'
import { ensureTracePartitions } from '../../../db/ensure-trace-partitions'
import { traces, usageRecords } from '../../../db/schema'
import { createMetrics } from '../../../server/operations/metrics'
import { RetentionJob } from '../../../server/traces/apply-retention'
import { getRetention, setRetention } from '../../../server/traces/org-retention'
import type { Retention } from '../../../shared/retention'
import { openTestDatabase } from '../../support/database'
import { seedWorkspace } from '../../support/seed-workspace'
import type { Workspace } from '../../support/seed-workspace'

let db: Database
let one: Workspace
let other: Workspace
let job: RetentionJob
let metrics: ReturnType<typeof createMetrics>
const now = new Date('2031-07-15T12:00:00Z')
const DAY_MS = 86_400_000

beforeEach(async () => {
  db = await openTestDatabase()
  one = await seedWorkspace(db.orm)
  other = await seedWorkspace(db.orm)
  metrics = createMetrics()
  job = new RetentionJob(db, metrics, pino({ level: 'silent' }))
  await ensureTracePartitions(db, 3, new Date('2031-04-01T00:00:00Z'))
})
afterEach(() => db.close())

const keep = ({ principal }: Workspace, retention: Retention) => setRetention(db.orm, { principal, ip: null }, retention)

async function addTrace({ orgId }: Workspace, day: string): Promise<string> {
  const id = uuidv7()
  const createdAt = new Date(`${day}T10:00:00Z`)
  await db.orm.insert(traces).values({
    id, createdAt, orgId, endpoint: 'test', requestedModel: 'm', model: 'm', provider: 'demo', statusCode: 200, isStream: false, attempts: [], latencyMs: 1, gatewayOverheadMs: 0.5,
    inputTokens: 1, outputTokens: 1, cost: 7n, requestBody: Buffer.from('a'), requestIv: Buffer.from('b'), responseBody: Buffer.from('c'), responseIv: Buffer.from('d'), encryptionKeyVersion: 1
  })
  await db.orm.insert(usageRecords).values({ id, orgId, endpoint: 'test', provider: 'demo', model: 'm', inputTokens: 1, outputTokens: 1, usageSource: 'provider', price: {}, cost: 7n, createdAt })
  return id
}

/** The database, with somebody who hears of each statement in a transaction before it is run. */
const watching = (hear: (...query: Parameters<Query>) => Promise<void>): Database => ({ ...db, transaction: run => db.transaction(query => run(async (...asked) => {
  await hear(...asked)
  return query(...asked)
})) })

const left = async () => (await db.query('select id, cost, request_body is not null as has_body from traces order by created_at')).map(row => ({ id: row.id, hasBody: row.has_body }))
const partitions = async () => (await db.query(`select inhrelid::regclass::text as name from pg_inherits where inhparent = 'traces'::regclass and inhrelid::regclass::text like 'traces_2031%' order by 1`)).map(({ name }) => name)

const Plan = z.looseObject({
  'Rows Removed by Filter': z.number().default(0),
  get 'Plans'() {
    return z.array(Plan).default([])
  }
})
const Explained = z.object({ 'QUERY PLAN': z.tuple([z.object({ Plan })]) })

/** The rows that a statement looked at and left. */
function sumOfPassedOver(plan: z.infer<typeof Plan>): number {
  return plan.Plans.reduce((sum, part) => sum + sumOfPassedOver(part), plan['Rows Removed by Filter'])
}

describe('retention', () => {
  test('without a setting keeps everything', async () => {
    const id = await addTrace(one, '2031-04-02')
    await job.run(now)
    expect(await left()).toEqual([{ id, hasBody: true }])
    expect(await getRetention(db.orm, one.orgId)).toEqual({ tracesDays: null, bodiesDays: null, version: expect.any(String) })
  })

  test('takes an org\'s old bodies, then its old traces, whole days at a time, and nobody else\'s', async () => {
    await keep(one, { tracesDays: 60, bodiesDays: 10 })
    const gone = await addTrace(one, '2031-05-15')
    const [bare, edge, fresh] = [await addTrace(one, '2031-05-16'), await addTrace(one, '2031-07-05'), await addTrace(one, '2031-07-14')]
    const others = await addTrace(other, '2031-05-15')
    await job.run(now)
    expect(await left()).toEqual([{ id: others, hasBody: true }, { id: bare, hasBody: false }, { id: edge, hasBody: true }, { id: fresh, hasBody: true }])
    expect((await db.query('select id from usage_records where id = $1', [gone]))).toHaveLength(1)
    expect(await db.query('select distinct cost from traces')).toEqual([{ cost: 7n }])
    const taken = (await metrics.expiredRows.get()).values.map(({ labels, value }) => [labels.what, value])
    expect(Object.fromEntries(taken)).toEqual({ bodies: 1, traces: 1 })
  })

  test('goes on the next day, and when the setting changes', async () => {
    await keep(one, { tracesDays: 10, bodiesDays: null })
    const [first, second] = [await addTrace(one, '2031-07-05'), await addTrace(one, '2031-07-14')]
    await job.run(now)
    expect(await left()).toHaveLength(2)
    await job.run(new Date(now.getTime() + DAY_MS))
    expect(await left()).toEqual([{ id: second, hasBody: true }])
    await keep(one, { tracesDays: 1, bodiesDays: null })
    await job.run(new Date(now.getTime() + DAY_MS))
    expect(await left()).toEqual([])
    expect(first).not.toBe(second)
  })

  test('works through more than a batch', async () => {
    await keep(one, { tracesDays: 30, bodiesDays: 5 })
    await db.query(
      `insert into traces (id, created_at, org_id, endpoint, requested_model, model, provider, status_code, is_stream, attempts, latency_ms, gateway_overhead_ms, input_tokens, output_tokens, cost, request_body, request_iv, encryption_key_version)
       select gen_random_uuid(), $2::timestamptz + make_interval(secs => n), $1, 't', 'm', 'm', 'demo', 200, false, '[]', 1, 1, 1, 1, 0, 'x', 'y', 1 from generate_series(1, 1200) n,
              lateral (select 1) one`, [one.orgId, new Date('2031-05-01T00:00:00Z')])
    await db.query(`insert into traces select gen_random_uuid(), created_at + interval '68 days', org_id, project_id, api_key_id, user_id, conversation_id, endpoint, requested_model, model, provider, status_code, error_type, is_stream, cache, attempts, latency_ms, ttfb_ms, gateway_overhead_ms, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, cost, tags, request_body, request_iv, response_body, response_iv, encryption_key_version from traces`)
    await job.run(now)
    expect(await db.query('select count(*)::int as kept, count(request_body)::int as bodies from traces')).toEqual([{ kept: 1_200, bodies: 0 }])
  })

  test('lets every org have its turn, however much another has to take away, and goes on where it was', async () => {
    await keep(one, { tracesDays: null, bodiesDays: 10 })
    await keep(other, { tracesDays: null, bodiesDays: 10 })
    for (let day = 10; day < 30; day++) for (let copies = 0; copies < 3; copies++) await addTrace(one, `2031-04-${day}`)
    const others = await addTrace(other, '2031-04-30')
    job = new RetentionJob(db, createMetrics(), pino({ level: 'silent' }), { rows: 2, batches: 30 })
    await job.run(now)
    const bodies = async () => (await left()).filter(({ hasBody }) => hasBody)
    expect((await bodies()).map(({ id }) => id)).not.toContain(others)
    expect(await bodies()).not.toHaveLength(0)
    for (let runs = 0; runs < 4; runs++) await job.run(now)
    expect(await bodies()).toEqual([])
  })

  test('goes on where it was at midnight, and takes what the new day adds after that', async () => {
    await keep(one, { tracesDays: null, bodiesDays: 10 })
    for (let day = 10; day < 20; day++) await addTrace(one, `2031-04-${day}`)
    const newDays = await addTrace(one, '2031-07-05')
    const begun: unknown[] = []
    job = new RetentionJob(watching(async (text, [,, from] = []) => {
      if (text.includes('update only traces_2031_04') && from === '-infinity') begun.push(text)
    }), createMetrics(), pino({ level: 'silent' }), { rows: 2, batches: 2 })
    const bodies = async () => (await left()).filter(({ hasBody }) => hasBody).map(({ id }) => id)
    for (let day = 0; day < 3; day++) await job.run(new Date(now.getTime() + day * DAY_MS))
    expect(await bodies()).toEqual([newDays])
    expect(begun).toHaveLength(1)
    await job.run(new Date(now.getTime() + 3 * DAY_MS))
    expect(await bodies()).toEqual([])
    expect(begun).toHaveLength(1)
  })

  test('stops where more is to be kept than when it began', async () => {
    await keep(one, { tracesDays: null, bodiesDays: 10 })
    for (let day = 10; day < 20; day++) await addTrace(one, `2031-04-${day}`)
    job = new RetentionJob(db, createMetrics(), pino({ level: 'silent' }), { rows: 2, batches: 1 })
    const bodies = async () => (await left()).filter(({ hasBody }) => hasBody)
    await job.run(now)
    for (const bodiesDays of [200, null]) {
      await keep(one, { tracesDays: null, bodiesDays })
      await job.run(now)
      expect(await bodies()).toHaveLength(8)
    }
  })

  test('comes to the newest month in one run, whatever months before it have nothing to take', async () => {
    await keep(one, { tracesDays: null, bodiesDays: 10 })
    const id = await addTrace(one, '2031-07-02')
    const kept = await Promise.all(['2031-04-10', '2031-05-10', '2031-06-10'].map(day => addTrace(other, day)))
    job = new RetentionJob(db, createMetrics(), pino({ level: 'silent' }), { rows: 2, batches: 1 })
    await job.run(now)
    expect(await left()).toEqual([...kept.map(id => ({ id, hasBody: true })), { id, hasBody: false }])
  })

  test('of one org that fails is logged, counted and tried again, and holds up no other', async () => {
    for (const org of [one, other]) {
      await keep(org, { tracesDays: 10, bodiesDays: null })
      await addTrace(org, '2031-07-02')
    }
    const failing = [one.orgId]
    const lines: string[] = []
    const watched = watching(async (_, [orgId] = []) => {
      if (failing.some(id => id === orgId)) throw new Error('A page of this table is broken')
    })
    job = new RetentionJob(watched, metrics, pino({ level: 'error' }, { write: line => lines.push(line) }))
    const owners = () => db.query('select org_id from traces')
    await job.run(now)
    expect(await owners()).toEqual([{ org_id: one.orgId }])
    expect(lines.map(line => JSON.parse(line))).toEqual([expect.objectContaining({ orgId: one.orgId, err: expect.objectContaining({ message: 'A page of this table is broken' }) })])
    expect((await metrics.failures.get()).values).toEqual([{ labels: { what: 'retention' }, value: 1 }])
    failing.length = 0
    await job.run(now)
    expect(await owners()).toEqual([])
  })

  test('looks at no trace again whose body it took away', async () => {
    await keep(one, { tracesDays: null, bodiesDays: 10 })
    for (let day = 10; day < 30; day++) await addTrace(one, `2031-04-${day}`)
    const asked: Parameters<Query>[] = []
    const watched = watching(async (...query) => {
      if (query[0].includes('update only traces_2031_04')) asked.push(query)
    })
    job = new RetentionJob(watched, createMetrics(), pino({ level: 'silent' }), { rows: 5, batches: 100 })
    await job.run(now)
    // 20 in four batches, and one that finds no more.
    expect(asked).toHaveLength(5)
    expect(await db.transaction(async (query) => {
      await query('set local enable_seqscan = off')
      await query('set local enable_bitmapscan = off')
      const passedOver: number[] = []
      for (const [text, parameters] of asked) {
        const [row] = await query(`explain (analyze, format json) ${text}`, parameters)
        passedOver.push(sumOfPassedOver(Explained.parse(row)['QUERY PLAN'][0].Plan))
      }
      return passedOver
    })).toEqual([20, 16, 11, 6, 1])
    asked.length = 0
    await keep(one, { tracesDays: null, bodiesDays: 5 })
    await job.run(now)
    expect(asked).toEqual([])
  })

  test('drops a month that no org keeps, and only that', async () => {
    await keep(one, { tracesDays: 30, bodiesDays: null })
    await keep(other, { tracesDays: 60, bodiesDays: null })
    await addTrace(one, '2031-04-10')
    await addTrace(other, '2031-04-10')
    await addTrace(one, '2031-05-10')
    const kept = await addTrace(other, '2031-05-20')
    await job.run(now)
    expect(await partitions()).toEqual(['traces_2031_05', 'traces_2031_06', 'traces_2031_07'].filter(name => name !== 'traces_2031_06'))
    expect(await left()).toEqual([{ id: kept, hasBody: true }])
    expect(await ensureTracePartitions(db, 0, new Date('2031-04-01T00:00:00Z'))).toMatchObject({ made: 1 })
  })

  test('keeps a month as long as one org wants what it has there', async () => {
    await keep(one, { tracesDays: 1, bodiesDays: null })
    await addTrace(one, '2031-04-10')
    const kept = await addTrace(other, '2031-04-11')
    await job.run(now)
    expect(await partitions()).toContain('traces_2031_04')
    expect(await left()).toEqual([{ id: kept, hasBody: true }])
  })

  test('is one replica\'s work at a time', async () => {
    await keep(one, { tracesDays: 10, bodiesDays: null })
    for (let day = 10; day < 20; day++) await addTrace(one, `2031-06-${day}`)
    const jobs = Array.from({ length: 4 }, () => new RetentionJob(db, createMetrics(), pino({ level: 'silent' })))
    await Promise.all(jobs.map(each => each.run(now)))
    await job.run(now)
    expect(await left()).toEqual([])
  })
})

test('a change of it is on record', async () => {
  await keep(one, { tracesDays: 90, bodiesDays: 30 })
  expect(await getRetention(db.orm, one.orgId)).toEqual({ tracesDays: 90, bodiesDays: 30, version: expect.any(String) })
  expect(await db.query(`select action, after from audit_logs where org_id = $1`, [one.orgId])).toEqual([{ action: 'org.retention', after: { tracesDays: 90, bodiesDays: 30 } }])
})
