import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { afterEach, describe, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { connectDatabase } from '../../../db/connect-database'
import { migrate, migrationStatus, pendingMigrations, resetDatabase, revertLast } from '../../../db/migrate'
import { migrationFilesIn } from '../../../db/read-migrations'
import type { Migration } from '../../../db/read-migrations'
import { captureCalls } from '../../../server/billing/capture-calls'
import { checkLedger } from '../../../server/billing/check-ledger'
import { drawCalls } from '../../../server/billing/draw-calls'
import { holdFunds } from '../../../server/billing/hold-funds'
import { openLease } from '../../../server/billing/lease-funds'
import { openWindows } from '../../../server/billing/open-windows'
import { registerReplica } from '../../../server/operations/replica'
import { createPostgresDatabase, openEmptyDatabase, openTestDatabase, readTestMigrations, testDatabaseKind } from '../../support/database'
import { finishedCall } from '../../support/ledger-entries'
import { seedWorkspace } from '../../support/seed-workspace'

const opened: Database[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map(db => db.close()))
})

async function openEmpty(): Promise<Database> {
  const db = await openEmptyDatabase()
  opened.push(db)
  return db
}

/** All that Loom has in the schema: tables, columns, indexes, constraints, triggers, functions. */
async function describeSchema(db: Database): Promise<unknown> {
  return Promise.all([
    db.query(`select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns where table_schema = 'public' order by 1, 2`),
    // PostgreSQL names the indexes of partitions, and counts on from those that were there before: each is told by the one it belongs to.
    db.query(`select replace(pg_get_indexdef(oid), relname, coalesce('of ' || inhparent::regclass, relname)) as indexdef
      from pg_class left join pg_inherits on inhrelid = oid where relkind in ('i', 'I') and relnamespace = 'public'::regnamespace order by 1`),
    db.query(`select conrelid::regclass::text as "table", conname, pg_get_constraintdef(oid) as definition from pg_constraint where connamespace = 'public'::regnamespace order by 1, 2`),
    db.query(`select tgrelid::regclass::text as "table", tgname, pg_get_triggerdef(oid) as definition from pg_trigger where not tgisinternal order by 1, 2`),
    db.query(`select proname from pg_proc where pronamespace = 'public'::regnamespace order by 1`)
  ])
}

const made = (tag: string, up: string[], down: string[] = []): Migration => ({ tag, up, down, hash: up.join() })

describe('migrations', () => {
  test('apply once: a second run changes nothing', async () => {
    const [db, migrations] = [await openEmpty(), await readTestMigrations()]
    expect(await pendingMigrations(db, migrations)).toEqual(migrations.map(({ tag }) => tag))
    expect(await migrate(db, migrations)).toEqual(migrations.map(({ tag }) => tag))
    expect(await migrate(db, migrations)).toEqual([])
    expect(await pendingMigrations(db, migrations)).toEqual([])
    expect(await migrationStatus(db, migrations)).toEqual(migrations.map(({ tag }) => ({ tag, state: 'applied' })))
  })

  test('replicas starting together apply each migration exactly once', async () => {
    const [db, migrations] = [await openEmpty(), await readTestMigrations()]
    const results = await Promise.all(Array.from({ length: 4 }, () => migrate(db, migrations)))
    expect(results.flat().sort()).toEqual(migrations.map(({ tag }) => tag))
  })

  test('one that fails leaves nothing behind and names itself', async () => {
    const db = await openEmpty()
    const first = made('0000_first', ['create table first (id int)'])
    const broken = made('0001_broken', ['create table second (id int)', 'alter table missing add column x int'])
    await expect(migrate(db, [first, broken])).rejects.toThrow(/Migration 0001_broken failed; nothing of it was kept\..*"missing" does not exist/)
    expect(await db.query(`select to_regclass('first') is not null as first, to_regclass('second') is not null as second`)).toEqual([{ first: true, second: false }])
    expect(await migrationStatus(db, [first, broken])).toEqual([{ tag: '0000_first', state: 'applied' }, { tag: '0001_broken', state: 'pending' }])
    const repaired = made('0001_broken', ['create table second (id int)'])
    expect(await migrate(db, [first, repaired])).toEqual(['0001_broken'])
  })

  test('one edited after it was applied stops the start', async () => {
    const db = await openEmpty()
    await migrate(db, [made('0000_first', ['create table first (id int)'])])
    await expect(migrate(db, [made('0000_first', ['create table first (id bigint)'])])).rejects.toThrow('The migration 0000_first was edited after it was applied here')
  })

  test('a database newer than this version stops the start', async () => {
    const db = await openEmpty()
    const first = made('0000_first', ['create table first (id int)'])
    await migrate(db, [first, made('0001_newer', ['create table second (id int)'])])
    await expect(migrate(db, [first])).rejects.toThrow('The database is newer than this version of Loom: it has the migration 0001_newer')
    await expect(revertLast(db, [first])).rejects.toThrow('The last migration, 0001_newer, belongs to another version of Loom')
  })

  test('each goes back to exactly the schema before it, and forth again', async () => {
    const [db, migrations] = [await openEmpty(), await readTestMigrations()]
    const before = []
    for (const index of migrations.keys()) {
      await migrate(db, migrations.slice(0, index))
      // A partition made since must not stand in the way back.
      if (index > 0) await db.query('select ensure_trace_partition(now())')
      before.push(await describeSchema(db))
      await migrate(db, migrations.slice(0, index + 1))
    }
    await db.query('select ensure_trace_partition(now())')
    const newest = await describeSchema(db)
    for (const migration of [...migrations].reverse()) {
      expect(await revertLast(db, migrations)).toBe(migration.tag)
      const after = await describeSchema(db)
      const expected = before.pop()
      // The table of applied migrations came with the first of them and stays.
      if (before.length > 0) expect(after).toEqual(expected)
      else expect(await db.query(`select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'S') order by 1`)).toEqual([{ relname: 'schema_migrations' }])
    }
    expect(await db.query(`select proname from pg_proc where pronamespace = 'public'::regnamespace`)).toEqual([])
    expect(await revertLast(db, migrations)).toBeUndefined()
    await migrate(db, migrations)
    await db.query('select ensure_trace_partition(now())')
    expect(await describeSchema(db)).toEqual(newest)
  })

  test('a database that was never migrated has nothing to take back', async () => {
    expect(await revertLast(await openEmpty(), await readTestMigrations())).toBeUndefined()
  })

  test('artifacts there are do not end the way forth, once their conversation was taken back', async () => {
    const [db, migrations] = [await openEmpty(), await readTestMigrations()]
    const before = migrations.findIndex(({ tag }) => tag.startsWith('0011_'))
    await migrate(db, migrations.slice(0, before + 1))
    await db.transaction(async (query) => {
      // Without all that an artifact belongs to.
      await query('set local session_replication_role = replica')
      await query(`insert into artifacts (id, org_id, part_id, conversation_id, version, kind, path, mime, size_bytes, sha256, storage_key)
        select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 'file', 'a.txt', 'text/plain', 1, '', ''`)
    })
    expect(await revertLast(db, migrations)).toBe(migrations[before]?.tag)
    expect(await migrate(db, migrations)).toEqual(migrations.slice(before).map(({ tag }) => tag))
  })

  test('what leases of budgets hold and have drawn is where it belongs after each way back', async () => {
    const db = await openTestDatabase()
    opened.push(db)
    const migrations = await readTestMigrations()
    const { orgId } = await seedWorkspace(db.orm)
    const [replica, charged, held] = [uuidv7(), uuidv7(), uuidv7()]
    const budgets = [{ windowId: uuidv7(), limit: 1_000_000n }, { windowId: uuidv7(), limit: 1_000_000n }]
    await registerReplica(db, replica, 'test')
    await openWindows(db, budgets.map(({ windowId }) => ({ id: windowId, orgId, scope: 'org', subjectId: orgId, period: 'day', startsAtMs: 0 })))
    const call = { orgId, apiKeyId: null }
    await holdFunds(db, replica, [{ ...call, id: charged, refId: charged, amount: 50n, budgets }, { ...call, id: held, refId: held, amount: 5n, budgets: budgets.slice(0, 1) }])
    await captureCalls(db, replica, [finishedCall(orgId, charged, 30n, { hold: { kind: 'own', id: charged, budgets } })])
    const leases = [{ amount: 100n, drawn: 7n, budgets }, { amount: 200n, drawn: 11n, budgets: budgets.slice(0, 1) }, { amount: 400n, drawn: 13n }].map(lease => ({ ...lease, id: uuidv7() }))
    for (const { id, amount, budgets } of leases) expect(await openLease(db, replica, { id, orgId, amount, least: amount, budgets })).toBe(amount)
    await drawCalls(db, replica, leases.map(({ id, drawn }) => finishedCall(orgId, uuidv7(), drawn, { hold: { kind: 'lease', lease: { id }, reserved: drawn } })))
    expect(await checkLedger(db)).toEqual([])

    const books = async () => [...await db.query('select balance, held from wallets'), ...await db.query('select spent, held from budget_windows order by id')]
    const newest = [{ balance: -61n, held: 5n + 93n + 189n + 387n }, { spent: 30n, held: 5n + 100n + 200n }, { spent: 30n, held: 100n }]
    const after = new Map([
      ['0029_lease_drawn', [newest[0], { spent: 30n + 7n + 11n, held: 5n + 93n + 189n }, { spent: 30n + 7n, held: 93n }]],
      ['0028_budget_leases', [{ balance: -61n, held: 5n + 387n }, { spent: 48n, held: 5n }, { spent: 37n, held: 0n }]],
      ['0008_wallet_leases', [{ balance: -61n, held: 5n }, { spent: 48n, held: 5n }, { spent: 37n, held: 0n }]]
    ])
    let expected: unknown[] = newest
    for (const { tag } of migrations.slice(migrations.findIndex(({ tag }) => tag === '0008_wallet_leases')).reverse()) {
      expect(await revertLast(db, migrations)).toBe(tag)
      expected = after.get(tag) ?? expected
      expect(await books(), tag).toEqual(expected)
    }
  })

  test('taken back, a price of one connection is gone; it would count for all of its kind', async () => {
    const db = await openEmpty()
    const migrations = (await readTestMigrations()).filter(({ tag }) => tag <= '0031_connection_prices')
    await migrate(db, migrations)
    await db.query(`insert into provider_connections (id, kind, name) values (gen_random_uuid(), 'openai', 'one')`)
    await db.query(`insert into model_prices (id, provider_kind, connection_id, model, input_price, output_price) select gen_random_uuid(), 'openai', id, 'free', 0, 0 from provider_connections`)
    await db.query(`insert into model_prices (id, provider_kind, model, input_price, output_price) values (gen_random_uuid(), 'openai', 'priced', 1, 1)`)
    expect(await revertLast(db, migrations)).toBe('0031_connection_prices')
    expect(await db.query('select model from model_prices')).toEqual([{ model: 'priced' }])
  })

  test('a reset empties the database, whatever it held', async () => {
    const [db, migrations] = [await openEmpty(), await readTestMigrations()]
    await migrate(db, migrations)
    await db.query(`insert into platform_settings (name, value) values ('x', '1')`)
    await resetDatabase(db)
    expect(await pendingMigrations(db, migrations)).toEqual(migrations.map(({ tag }) => tag))
    await migrate(db, migrations)
    expect(await db.query('select * from platform_settings')).toEqual([])
  })

  test('every migration has its way back beside it', async () => {
    const files = await readdir(join(import.meta.dirname, '../../../drizzle'))
    const tags = files.filter(name => name.endsWith('.sql') && !name.endsWith('.down.sql')).map(name => name.slice(0, -'.sql'.length)).sort()
    expect((await readTestMigrations()).map(({ tag }) => tag)).toEqual(tags)
    for (const { tag, down } of await readTestMigrations()) expect(down, tag).not.toEqual([])
  })

  test('a start leaves what there is, resets it where it is told to, and in production only where that is forced', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'loom-data-'))
    const { url, drop } = testDatabaseKind === 'postgres' ? await createPostgresDatabase('template1') : { url: undefined, drop: async () => {} }
    const config = { NODE_ENV: 'production', DATABASE_URL: url, LOOM_DATA_DIR: dataDir, DATABASE_POOL_SIZE: 2, DATABASE_DEADLINE_MS: 10_000, DB_AUTO_MIGRATE: true, DB_RESET_ON_START: false, DB_RESET_FORCE: false }
    const start = async (settings: Partial<typeof config>) => {
      const db = await connectDatabase({ ...config, ...settings }, migrationFilesIn('drizzle'))
      try {
        const found = await db.query('select name from platform_settings')
        await db.query(`insert into platform_settings (name, value) values ('x', '1') on conflict do nothing`)
        return found
      } finally {
        await db.close()
      }
    }
    const there = [{ name: 'x' }]
    try {
      expect(await start({})).toEqual([])
      expect(await start({ DB_RESET_FORCE: true })).toEqual(there)
      await expect(start({ DB_RESET_ON_START: true })).rejects.toThrow('DB_RESET_ON_START would delete the production database')
      expect(await start({})).toEqual(there)
      expect(await start({ DB_RESET_ON_START: true, DB_RESET_FORCE: true })).toEqual([])
      expect(await start({ NODE_ENV: 'development', DB_RESET_ON_START: true })).toEqual([])
    } finally {
      await drop()
      await rm(dataDir, { recursive: true, force: true })
    }
  })
})
