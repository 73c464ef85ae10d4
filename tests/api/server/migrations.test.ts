import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { openDatabase } from '../../../db/connect-database'
import { migrate, revertLast } from '../../../db/migrate'
import { createPostgresDatabase, readTestMigrations, testDatabaseKind } from '../../support/database'
import type { LoomServer } from '../../support/loom-server'
import { startLoomServer } from '../../support/loom-server'
import { startLoom } from '../../support/start-loom'

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

test('with DB_AUTO_MIGRATE=false nothing is applied: a start on what lacks migrations is refused, naming them', async () => {
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

// The embedded database has one process at a time: nobody takes a migration back under a server.
test.runIf(testDatabaseKind === 'postgres')('/ready names the migrations that are missing, for as long as they are', async () => {
  const loom = await started(startLoom())
  const migrations = await readTestMigrations()
  const db = await openDatabase({ DATABASE_URL: loom.env.DATABASE_URL, DATABASE_POOL_SIZE: 2, LOOM_DATA_DIR: '' })
  undo.push(() => db.close())
  const tag = await revertLast(db, migrations)
  const unready = await fetch(`${loom.url}/ready`)
  expect(unready.status).toBe(503)
  expect(await unready.json()).toEqual({ ready: false, checks: { database: 'ok', migrations: `pending: ${tag}`, process: 'ok' } })
  await migrate(db, migrations)
  expect((await fetch(`${loom.url}/ready`)).status).toBe(200)
})
