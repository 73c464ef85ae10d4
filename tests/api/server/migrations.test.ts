import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { openDatabase } from '../../../db/connect-database'
import { migrate, revertLast } from '../../../db/migrate'
import { createPostgresDatabase, readTestMigrations, testDatabaseKind } from '../../support/database'
import type { LoomServer } from '../../support/loom-server'
import { startLossyProxy } from '../../support/lossy-proxy'
import { startLoomServer } from '../../support/loom-server'
import { startLoom } from '../../support/start-loom'
import { until } from '../../support/until'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

/** An empty database that no server has open, and the settings that lead a server there. */
async function emptyDatabase(): Promise<{ env: Record<string, string>, within: <T>(work: (db: Database) => Promise<T>) => Promise<T> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'loom-data-'))
  undo.push(() => rm(dataDir, { recursive: true, force: true }))
  const env: Record<string, string> = { LOOM_DATA_DIR: dataDir }
  if (testDatabaseKind === 'postgres') {
    const { url, drop } = await createPostgresDatabase('template1')
    undo.push(drop)
    env.DATABASE_URL = url
  }
  const within = async <T>(work: (db: Database) => Promise<T>): Promise<T> => {
    const db = await openDatabase({ DATABASE_URL: env.DATABASE_URL, DATABASE_POOL_SIZE: 2, LOOM_DATA_DIR: dataDir })
    try {
      return await work(db)
    } finally {
      await db.close()
    }
  }
  return { env, within }
}

const tablesOf = async (db: Database) => (await db.query(`select tablename from pg_tables where schemaname = 'public' order by 1`)).map(({ tablename }) => tablename)

/** Every row of every table, but for what was applied. */
async function contentsOf(db: Database): Promise<unknown[]> {
  const tables = (await tablesOf(db)).filter(name => name !== 'schema_migrations')
  return Promise.all(tables.map(async name => [name, await db.query(`select * from ${String(name)}`)]))
}

async function started(server: Promise<LoomServer>): Promise<LoomServer> {
  const loom = await server
  undo.push(() => loom.remove())
  return loom
}

test('a migration that fails stops the start with one clear line and exit code 1, and nothing of it stays', async () => {
  const { env, within } = await emptyDatabase()
  // In the way of the middle of the first migration.
  await within(db => db.query('create table wallets (id int)'))
  await expect(started(startLoomServer({ env }))).rejects.toThrow(/^Loom ended with exit code 1:\nListening on .*\nLoom cannot start: Migration 0000_first_road failed; nothing of it was kept\. .*"wallets" already exists.*\n?$/)
  expect(await within(tablesOf)).toEqual(['wallets'])
  await within(db => db.query('drop table wallets'))
  const loom = await started(startLoomServer({ env }))
  expect(await (await fetch(`${loom.url}/ready`)).json()).toMatchObject({ ready: true, checks: { migrations: 'ok' } })
})

test.runIf(testDatabaseKind === 'embedded')('with DB_AUTO_MIGRATE=false nothing is applied: a start on what lacks migrations is refused, naming them', async () => {
  const { env, within } = await emptyDatabase()
  const migrations = await readTestMigrations()
  const last = migrations.at(-1)?.tag
  await within(db => migrate(db, migrations.slice(0, -1)))
  const before = await within(tablesOf)
  await expect(started(startLoomServer({ env: { ...env, DB_AUTO_MIGRATE: 'false' } }))).rejects.toThrow(`Loom cannot start: The database lacks ${last}. Run npm run db:migrate, or set DB_AUTO_MIGRATE=true.`)
  expect(await within(tablesOf)).toEqual(before)
  await within(db => migrate(db, migrations))
  await started(startLoomServer({ env: { ...env, DB_AUTO_MIGRATE: 'false' } }))
})

test.runIf(testDatabaseKind === 'postgres')('with DB_AUTO_MIGRATE=false a start waits for who applies what is missing, alive and not ready, and touches nothing before', async () => {
  const { env, within } = await emptyDatabase()
  const migrations = await readTestMigrations()
  const last = migrations.at(-1)?.tag
  await within(db => migrate(db, migrations.slice(0, -1)))
  const before = await within(contentsOf)
  const proxy = await startLossyProxy(env.DATABASE_URL ?? '')
  undo.push(proxy.stop)
  const loom = await started(startLoomServer({ env: { ...env, DATABASE_URL: proxy.url, DB_AUTO_MIGRATE: 'false' }, waitUntilReady: false }))
  const ready = async () => {
    const response = await fetch(`${loom.url}/ready`)
    return { status: response.status, body: await response.json() }
  }
  const waiting = { status: 503, body: { ready: false, checks: { database: 'ok', migrations: `pending: ${last}`, process: 'starting' } } }
  const waits = (starts: number) => until(() => loom.logs().split('Nothing is served until they are applied').length - 1 === starts, { timeoutMs: 60_000, what: () => `start ${starts} to wait. It printed:\n${loom.logs()}` })
  await waits(1)
  expect(await ready()).toEqual(waiting)
  for (const [method, path] of [['POST', '/v1/messages'], ['POST', '/v1/chat/completions'], ['GET', '/v1/models'], ['GET', '/api/session'], ['GET', '/metrics'], ['GET', '/login']]) {
    const response = await fetch(`${loom.url}${path}`, { method: method ?? '' })
    expect([response.status, response.headers.get('retry-after'), await response.text()]).toEqual([503, '2', expect.stringContaining('being brought up to date')])
  }
  expect(await ready()).toEqual(waiting)
  for (const path of ['/health', '/health?x']) expect((await fetch(`${loom.url}${path}`)).status).toBe(200)
  const page = await fetch(`${loom.url}/login`, { headers: { accept: 'text/html,*/*;q=0.8' } })
  expect([page.status, page.headers.get('content-type'), page.headers.get('content-security-policy'), page.headers.get('x-content-type-options')])
    .toEqual([503, 'text/html; charset=utf-8', expect.stringContaining('default-src \'none\''), 'nosniff'])
  expect(await page.text()).toMatch(/http-equiv="refresh" content="2".*being brought up to date/s)
  expect(await within(contentsOf)).toEqual(before)
  expect(loom.logs()).not.toContain('Set up Loom')
  expect(await loom.stop()).toBe(0)
  // Whoever asks before it is known what is missing is answered, too, and the wait outlives a lost connection.
  proxy.silence()
  await loom.start()
  const early = fetch(`${loom.url}/v1/models`)
  await fetch(`${loom.url}/health`)
  proxy.open()
  expect((await early).status).toBe(503)
  await waits(2)
  const tells = (verdict: string) => until(async () => JSON.stringify(await ready()).includes(`"database":"${verdict}"`), { timeoutMs: 60_000, what: () => `the database to be ${verdict}. It printed:\n${loom.logs()}` })
  proxy.leave()
  await tells('unreachable')
  proxy.open()
  await tells('ok')
  expect(loom.logs().split('The database does not answer').length - 1).toBe(1)
  await within(db => migrate(db, migrations))
  await until(async () => (await ready()).status === 200, { timeoutMs: 60_000, what: () => `Loom to be ready. It printed:\n${loom.logs()}` })
  expect(loom.setupToken).not.toBe('')
  expect((await fetch(`${loom.url}/login`)).status).toBe(200)
  expect(await loom.stop()).toBe(0)
})

test('with DB_AUTO_MIGRATE=false, too, a start on what is newer than it, or was edited since, is refused, and tells which', async () => {
  const { env, within } = await emptyDatabase()
  const start = () => started(startLoomServer({ env: { ...env, DB_AUTO_MIGRATE: 'false' } }))
  const migrations = await readTestMigrations()
  await within(async (db) => {
    await migrate(db, migrations)
    await db.query(`insert into schema_migrations (tag, hash) values ('9999_newer', '')`)
  })
  await expect(start()).rejects.toThrow('Loom cannot start: The database is newer than this version of Loom: it has the migration 9999_newer.')
  await within(async (db) => {
    await db.query(`delete from schema_migrations where tag = '9999_newer'`)
    await db.query(`update schema_migrations set hash = '' where tag = $1`, [migrations[0]?.tag])
  })
  await expect(start()).rejects.toThrow(`Loom cannot start: The migration ${migrations[0]?.tag} was edited after it was applied here.`)
})

test.runIf(testDatabaseKind === 'postgres')('a start that waits ends where a newer version applies what is missing', async () => {
  const { env, within } = await emptyDatabase()
  const migrations = await readTestMigrations()
  await within(db => migrate(db, migrations.slice(0, -1)))
  const loom = await started(startLoomServer({ env: { ...env, DB_AUTO_MIGRATE: 'false' }, waitUntilReady: false }))
  await until(() => loom.logs().includes('Nothing is served until they are applied'), { timeoutMs: 60_000, what: () => `it to wait. It printed:\n${loom.logs()}` })
  await within(db => migrate(db, [...migrations, { tag: '9999_newer', up: [], down: [], hash: '' }]))
  await until(() => loom.process.exitCode === 1, { what: () => `Loom to end. It printed:\n${loom.logs()}` })
  expect(loom.logs()).toContain('Loom cannot start: The database is newer than this version of Loom: it has the migration 9999_newer.')
})

// The embedded database has one process at a time: nobody takes a migration back under a server.
test.runIf(testDatabaseKind === 'postgres')('/ready names the migrations that are missing, newer or edited, for as long as they are', async () => {
  const loom = await started(startLoom())
  const migrations = await readTestMigrations()
  const db = await openDatabase({ DATABASE_URL: loom.env.DATABASE_URL, DATABASE_POOL_SIZE: 2, LOOM_DATA_DIR: '' })
  undo.push(() => db.close())
  const tag = await revertLast(db, migrations)
  const unready = await fetch(`${loom.url}/ready`)
  expect(unready.status).toBe(503)
  expect(await unready.json()).toEqual({ ready: false, checks: { database: 'ok', migrations: `pending: ${tag}`, process: 'ok' } })
  await migrate(db, [...migrations, { tag: '9999_newer', up: [], down: [], hash: '' }])
  await db.query(`update schema_migrations set hash = hash || 'x' where tag = $1`, [tag])
  const strange = await fetch(`${loom.url}/ready`)
  expect(strange.status).toBe(503)
  expect(await strange.json()).toMatchObject({ ready: false, checks: { database: 'ok', migrations: `edited: ${tag}; newer: 9999_newer` } })
  await db.query(`delete from schema_migrations where tag = '9999_newer'`)
  await db.query(`update schema_migrations set hash = left(hash, -1) where tag = $1`, [tag])
  expect((await fetch(`${loom.url}/ready`)).status).toBe(200)
})
