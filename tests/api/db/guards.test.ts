import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { ensureTracePartitions } from '../../../db/ensure-trace-partitions'
import { writeTagsAtOnce } from '../../../db/write-tags-at-once'
import { auditLogs, orgs, traces, transactions, wallets } from '../../../db/schema'
import { openTestDatabase, testDatabaseKind } from '../../support/database'

let db: Database
let orgId: string
beforeAll(async () => {
  db = await openTestDatabase()
})
afterAll(() => db.close())
beforeEach(async () => {
  orgId = uuidv7()
  await db.orm.insert(orgs).values({ id: orgId, name: 'Org', slug: orgId, encryptionSalt: Buffer.alloc(16) })
})

async function addTransaction(values: Partial<typeof transactions.$inferInsert> = {}): Promise<string> {
  const id = uuidv7()
  await db.orm.insert(transactions).values({ id, orgId, refId: id, type: 'charge', status: 'held', held: 100n, ...values })
  return id
}

describe('the ledger', () => {
  test.each(['captured', 'released', 'expired'])('settles a held row as %s, once', async (status) => {
    const id = await addTransaction()
    const settle = (to: string) => db.query(
      `update transactions set status = $2, captured = case when $2 = 'captured' then 60 else 0 end, balance_after = 1, settled_at = now() where id = $1 returning status`, [id, to])
    expect(await settle(status)).toEqual([{ status }])
    for (const next of ['held', 'captured', 'released', 'expired', 'posted']) await expect(settle(next), next).rejects.toMatchObject({ code: '23001' })
  })

  test.each([
    ['status', `'posted'`], ['status', `'held'`], ['id', 'gen_random_uuid()'], ['ref_id', `'other'`], ['type', `'refund'`], ['held', '1'], ['replica', 'gen_random_uuid()'],
    ['actor', `'other'`], ['description', `'other'`], ['created_at', `now() + interval '1 s'`], ['charge_id', 'id']
  ])('refuses another %s on a held row (%s)', async (column, value) => {
    const id = await addTransaction()
    await expect(db.query(`update transactions set ${column} = ${value} where id = $1`, [id])).rejects.toMatchObject({ code: '23001' })
    if (column !== 'status') await expect(db.query(`update transactions set status = 'released', ${column} = ${value} where id = $1`, [id])).rejects.toMatchObject({ code: '23001' })
  })

  test('never changes a posted row', async () => {
    const id = await addTransaction({ type: 'topup', status: 'posted', amount: 5n, held: 0n })
    for (const change of ['amount = 6', `status = 'captured', amount = 0`, `description = 'x'`]) {
      await expect(db.query(`update transactions set ${change} where id = $1`, [id]), change).rejects.toMatchObject({ code: '23001' })
    }
  })

  test('keeps every row', async () => {
    const id = await addTransaction()
    await expect(db.query('delete from transactions where id = $1', [id])).rejects.toMatchObject({ code: '23001' })
    await expect(db.query('truncate transactions cascade')).rejects.toMatchObject({ code: '23001' })
  })

  test('takes a ref twice only when its first call failed', async () => {
    const first = await addTransaction({ refId: 'order-1' })
    await expect(addTransaction({ refId: 'order-1' })).rejects.toMatchObject({ cause: { code: '23505', constraint_name: 'transactions_org_ref_key' } })
    await db.query(`update transactions set status = 'released' where id = $1`, [first])
    await addTransaction({ refId: 'order-1' })
  })

  test('holds a prepaid wallet within its balance', async () => {
    await db.orm.insert(wallets).values({ orgId, balance: 100n, held: 100n })
    await expect(db.query('update wallets set held = held + 1 where org_id = $1', [orgId])).rejects.toMatchObject({ code: '23514', constraint_name: 'wallets_funds_check' })
    await expect(db.query('update wallets set balance = balance - 1 where org_id = $1', [orgId])).rejects.toMatchObject({ code: '23514' })
  })
})

test('the audit log is append-only', async () => {
  await db.orm.insert(auditLogs).values({ orgId, sequence: 1, actor: 'system', action: 'test', target: 'x', previousHash: '', hash: 'a' })
  for (const statement of [`update audit_logs set actor = 'other'`, 'delete from audit_logs', 'truncate audit_logs']) {
    await expect(db.query(statement), statement).rejects.toMatchObject({ code: '23001' })
  }
})

describe('traces', () => {
  const addTrace = async (createdAt: Date, bodies: Partial<typeof traces.$inferInsert> = {}) => {
    const id = uuidv7()
    await db.orm.insert(traces).values({
      id, createdAt, orgId, endpoint: '/v1/chat/completions', requestedModel: 'demo', model: 'demo', provider: 'demo', statusCode: 200, isStream: false, attempts: [],
      latencyMs: 1, gatewayOverheadMs: 0.5, inputTokens: 1, outputTokens: 1, cost: 0n, ...bodies
    })
    return id
  }
  const partitionOf = async (id: string) => (await db.query('select tableoid::regclass::text as name from traces where id = $1', [id]))[0]?.name

  test('are written once', async () => {
    const id = await addTrace(new Date())
    for (const change of ['cost = 1', `tags = '{"a": 1}'`, `request_body = 'forged', request_iv = 'forged', encryption_key_version = 1`, 'encryption_key_version = 2']) {
      await expect(db.query(`update traces set ${change} where id = $1`, [id]), change).rejects.toMatchObject({ code: '23001' })
    }
  })

  test('lose their bodies, and nothing else', async () => {
    const id = await addTrace(new Date(), { requestBody: Buffer.from('sealed'), requestIv: Buffer.from('iv'), encryptionKeyVersion: 1 })
    const noBodies = 'request_body = null, request_iv = null, response_body = null, response_iv = null, encryption_key_version = null'
    for (const change of [`${noBodies}, cost = 1`, 'request_body = null']) await expect(db.query(`update traces set ${change} where id = $1`, [id]), change).rejects.toMatchObject({ code: '23001' })
    expect(await db.query(`update traces set ${noBodies} where id = $1 returning request_body`, [id])).toEqual([{ request_body: null }])
  })

  test('land in the partition of their month, to the microsecond, in UTC whatever the session says', async () => {
    await ensureTracePartitions(db, 2, new Date('2031-11-15T00:00:00Z'))
    const cases: [string, string][] = [
      ['2031-10-31T23:59:59.999Z', 'traces_default'], ['2031-11-01T00:00:00.000Z', 'traces_2031_11'], ['2031-11-30T23:59:59.999Z', 'traces_2031_11'],
      ['2031-12-31T23:59:59.999Z', 'traces_2031_12'], ['2032-01-01T00:00:00.000Z', 'traces_2032_01'], ['2032-02-01T00:00:00.000Z', 'traces_default']
    ]
    for (const [moment, partition] of cases) expect(await partitionOf(await addTrace(new Date(moment))), moment).toBe(partition)
    const bounds = await db.transaction(async (query) => {
      await query(`set local timezone = 'Pacific/Auckland'`)
      await query(`select ensure_trace_partition('2033-05-31 23:59:59.999999+00')`)
      await query(`set local timezone = 'UTC'`)
      return query(`select pg_get_expr(relpartbound, oid) as bounds from pg_class where relname = 'traces_2033_05'`)
    })
    expect(bounds).toEqual([{ bounds: `FOR VALUES FROM ('2033-05-01 00:00:00+00') TO ('2033-06-01 00:00:00+00')` }])
  })

  test('put their tags into the index at once, in every partition: none waits for another call to do so', async () => {
    await ensureTracePartitions(db, 1, new Date('2036-01-10'))
    expect(await writeTagsAtOnce(db)).toEqual([])
    const indexes = await db.query(`select relname, reloptions from pg_inherits join pg_class on pg_class.oid = inhrelid where inhparent = 'traces_tags_idx'::regclass`)
    expect(indexes.length).toBeGreaterThan(2)
    for (const { relname, reloptions } of indexes) expect(reloptions, String(relname)).toEqual(['fastupdate=off'])
  })

  test('are tended little, as all that calls are appended to: in every partition, and by each of their columns', async () => {
    await ensureTracePartitions(db, 1, new Date('2038-01-10'))
    const tables = await db.query(`select oid, relname, reloptions from pg_class where relname in ('usage_records', 'transactions') or oid in (select inhrelid from pg_inherits where inhparent = 'traces'::regclass)`)
    expect(tables.map(({ relname }) => relname)).toEqual(expect.arrayContaining(['usage_records', 'transactions', 'traces_default', 'traces_2038_02']))
    for (const { oid, relname, reloptions } of tables) {
      expect(reloptions, String(relname)).toEqual(['autovacuum_vacuum_insert_threshold=-1'])
      expect(await db.query('select attname from pg_attribute where attrelid = $1 and attnum > 0 and not attisdropped and attstattarget is distinct from 20', [oid]), String(relname)).toEqual([])
    }
  })

  test.skipIf(testDatabaseKind === 'embedded')('do not wait for an index that is being read, which is changed the next time', async () => {
    await ensureTracePartitions(db, 0, new Date('2037-01-10'))
    await db.transaction(async (query) => {
      await query(`select from traces_2037_01 where tags @> '{"a":"b"}'`)
      expect(await writeTagsAtOnce(db)).toEqual(['traces_2037_01_tags_idx'])
    })
    expect(await writeTagsAtOnce(db)).toEqual([])
    expect(await db.query(`select reloptions from pg_class where relname = 'traces_2037_01_tags_idx'`)).toEqual([{ reloptions: ['fastupdate=off'] }])
  })

  test('of a month without partition are kept, and move into it once it is made', async () => {
    const early = await addTrace(new Date('2035-03-31T23:59:59.999Z'))
    const waiting = await addTrace(new Date('2035-04-01T00:00:00.000Z'))
    expect([await partitionOf(early), await partitionOf(waiting)]).toEqual(['traces_default', 'traces_default'])
    expect(await ensureTracePartitions(db, 0, new Date('2035-04-10'))).toEqual({ made: 1, putOff: [] })
    expect([await partitionOf(early), await partitionOf(waiting)]).toEqual(['traces_default', 'traces_2035_04'])
    await expect(db.query('update traces_2035_04 set cost = 1')).rejects.toMatchObject({ code: '23001' })
    expect(await db.query(`select count(*) from pg_index where indrelid = 'traces_2035_04'::regclass`)).toEqual(await db.query(`select count(*) from pg_index where indrelid = 'traces'::regclass`))
  })

  test.skipIf(testDatabaseKind === 'embedded')('wait for no partition: while a long read is in the way of one, it is put off', async () => {
    await db.transaction(async (query) => {
      await query('select from traces_default limit 1')
      const making = ensureTracePartitions(db, 0, new Date('2043-04-10'))
      await addTrace(new Date())
      expect(await making).toEqual({ made: 0, putOff: ['2043-04'] })
    })
    expect(await ensureTracePartitions(db, 0, new Date('2043-04-10'))).toEqual({ made: 1, putOff: [] })
  })

  test('lose nothing while replicas make partitions and calls insert at the same time', async () => {
    const makeAll = async (): Promise<number> => {
      const { made, putOff } = await ensureTracePartitions(db, 3, new Date('2041-01-01'))
      return putOff.length > 0 ? made + await makeAll() : made
    }
    const moments = Array.from({ length: 40 }, (_, index) => new Date(Date.UTC(2041, index % 4, 10, 0, 0, index)))
    const made = await Promise.all([
      ...Array.from({ length: 4 }, makeAll),
      ...moments.map(moment => addTrace(moment).then(() => 0))
    ])
    expect(made.reduce((sum, count) => sum + count, 0)).toBe(4)
    const kept = await db.query(`select tableoid::regclass::text as partition, count(*)::int from traces where org_id = $1 group by 1 order by 1`, [orgId])
    expect(kept).toEqual([1, 2, 3, 4].map(month => ({ partition: `traces_2041_0${month}`, count: 10 })))
  })
})
