import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../../db/client'
import { openDatabase } from '../../../db/connect-database'
import { readConfig } from '../../../server/config'
import { testDatabaseKind } from '../../support/database'
import type { LoomServer } from '../../support/loom-server'
import { setUpLoom, signIn, admin } from '../../support/set-up-loom'
import { startLoom } from '../../support/start-loom'

/** Loaded into the server: says when the tokenizer's tables are. */
const tellOfTokenizer = `data:text/javascript,${encodeURIComponent('import { registerHooks } from "node:module"; registerHooks({ load: (url, context, next) => { if (url.includes("o200k_base")) console.log("The tokenizer is loaded."); return next(url, context) } })')}`

let loom: LoomServer

/** The database of a Loom that was stopped. */
async function withDatabase<Result>(work: (db: Database) => Promise<Result>): Promise<Result> {
  const db = await openDatabase(readConfig(loom.env))
  try {
    return await work(db)
  } finally {
    await db.close()
  }
}

/** The partitions of traces there are for months, the oldest first. */
async function monthsOf(db: Database): Promise<string[]> {
  const rows = await db.query(`select inhrelid::regclass::text as name from pg_inherits where inhparent = 'traces'::regclass and inhrelid <> 'traces_default'::regclass order by 1`)
  return rows.map(({ name }) => String(name))
}

beforeAll(async () => {
  loom = await startLoom({ env: { LOG_LEVEL: 'error', NODE_OPTIONS: `--import ${tellOfTokenizer}` } })
})

afterAll(() => loom.remove())

test('a server on an empty database prints where it is and a set-up link, and whatever LOG_LEVEL says warns that no master key is set', () => {
  expect(loom.logs()).toContain(`Loom is ready: ${loom.url}\nSet up Loom: ${loom.url}/`)
  expect(loom.logs()).toMatch(/^Warning: ENCRYPTION_MASTER_KEY is not set: .* Back it up/m)
})

test('the set-up link makes the first administrator, once', async () => {
  const token = loom.setupToken
  const session = await setUpLoom(loom)
  const response = await fetch(`${loom.url}/api/session`, { headers: session })
  expect(await response.json()).toMatchObject({ user: { email: admin.email }, platformAdmin: true })
  const again = await fetch(`${loom.url}/api/setup`, { method: 'POST', headers: { 'origin': loom.url, 'content-type': 'application/json' }, body: JSON.stringify({ ...admin, token }) })
  expect(again.status).toBe(409)
})

test('the tokenizer is loaded by then, for no call to wait until it is', () => {
  expect(loom.logs()).toMatch(/The tokenizer is loaded\.[^]*Set up Loom:/)
})

test('what was set up is there after a kill -9 and a new start, which tells where Loom is and prints no new link', async () => {
  const printed = loom.logs().length
  await loom.kill9()
  await loom.start()
  expect((await signIn(loom, admin)).cookie).not.toBe('')
  expect(loom.logs().slice(printed)).toContain(`Loom is ready: ${loom.url}\n`)
  expect(loom.logs().slice(printed)).not.toContain('token=')
  expect(loom.logs().slice(printed)).toContain('Warning: ENCRYPTION_MASTER_KEY is not set')
})

test('a server with a master key warns of none', async () => {
  const keyed = await startLoom({ env: { ENCRYPTION_MASTER_KEY: 'ab'.repeat(32) } })
  try {
    expect(keyed.logs()).toContain('Loom is ready')
    expect(keyed.logs()).not.toContain('Warning:')
  } finally {
    await keyed.remove()
  }
})

test('another master key than the database was begun with stops the start, unless it is to be taken', async () => {
  await loom.stop()
  const keyed = { ENCRYPTION_MASTER_KEY: 'ab'.repeat(32) }
  const printed = loom.logs().length
  await expect(loom.start(keyed)).rejects.toThrow()
  expect(loom.logs().slice(printed)).toContain('ENCRYPTION_MASTER_KEY is not the key that this database was begun with')
  await loom.start({ ...keyed, ENCRYPTION_ACCEPT_NEW_KEY: 'true' })
  await loom.stop()
  await loom.start(keyed)
  await loom.stop()
  await loom.start({ ENCRYPTION_ACCEPT_NEW_KEY: 'true' })
})

test('SIGTERM ends the server with exit code 0', async () => {
  expect(await loom.stop()).toBe(0)
})

test('a start makes the partitions of the months to come', async () => {
  const months = await withDatabase(async (db) => {
    const found = await monthsOf(db)
    expect(found.length).toBeGreaterThan(3)
    for (const month of found) await db.query(`drop table ${month}`)
    return found
  })
  await loom.start()
  await loom.stop()
  const made = await withDatabase(monthsOf)
  // A month may have ended since they were made.
  expect(made).toEqual(expect.arrayContaining(months.slice(1)))
  expect(made).toHaveLength(months.length)
})

// The embedded database is read by nobody but its one process.
test.runIf(testDatabaseKind === 'postgres')('a start waits for no long read of traces: the months it was in the way of are made at another', async () => {
  await withDatabase(async (db) => {
    const [months, last] = [await monthsOf(db), (await monthsOf(db)).at(-1)]
    await db.query(`drop table ${last}`)
    await db.transaction(async (query) => {
      await query('select from traces_default limit 1')
      await loom.start()
    })
    expect(await monthsOf(db)).toEqual(months.slice(0, -1))
    await loom.stop()
    await loom.start()
    expect(await monthsOf(db)).toEqual(months)
    await loom.stop()
  })
})

test('where it cannot listen, the start ends with one line that names the setting, no set-up link is printed, and the data folder is free again', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'loom-data-'))
  const other = createServer().listen(0, '127.0.0.1')
  try {
    await once(other, 'listening')
    const address = other.address()
    const port = typeof address === 'object' ? String(address?.port) : ''
    const refusals: { env: Record<string, string>, line: string }[] = [
      { env: { PORT: port }, line: `Port ${port} is taken. Stop what listens there, or set PORT to another one.` },
      // Of the block that is reserved for documentation: no machine has it.
      { env: { HOST: '192.0.2.1' }, line: 'HOST is no address of this machine. Set it to one that is, or leave it unset to listen on all.' }
    ]
    for (const { env, line } of refusals) {
      await expect(startLoom({ env: { LOOM_DATA_DIR: dataDir, ...env } })).rejects.toThrow(new Error(`Loom ended with exit code 1:\nLoom cannot start: ${line}\n`))
    }
    const next = await startLoom({ env: { LOOM_DATA_DIR: dataDir } })
    expect(next.setupToken).not.toBe('')
    await next.remove()
  } finally {
    other.close()
    await rm(dataDir, { recursive: true, force: true })
  }
})
