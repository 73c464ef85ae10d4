import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { inject } from 'vitest'
import type { Database } from '../../db/client'
import { TRACE_MONTHS_AHEAD, ensureTracePartitions } from '../../db/ensure-trace-partitions'
import { migrate } from '../../db/migrate'
import { openEmbedded } from '../../db/open-embedded'
import { openPostgres } from '../../db/open-postgres'
import { migrationFilesIn, readMigrations } from '../../db/read-migrations'
import type { Migration } from '../../db/read-migrations'

const root = join(import.meta.dirname, '../..')
/** Databases to begin from, kept between runs, since making one takes longer. */
const prepared = join(root, '.cache', 'test-databases')

/** The kind of database the running project tests on; projects without one use the embedded. */
export const testDatabaseKind: Database['kind'] = inject('database') ?? 'embedded'

export const readTestMigrations = (): Promise<Migration[]> => readMigrations(migrationFilesIn(join(root, 'drizzle')))

/** A database of its own, migrated, with this month's trace partitions; gone after `close`. */
export async function openTestDatabase(): Promise<Database> {
  if (testDatabaseKind === 'embedded') {
    const migrations = await readTestMigrations()
    return openEmbedded({ dump: await dumpOf(fingerprint(migrations), db => prepare(db, migrations)) })
  }
  const template = await migratedTemplate()
  const { url, drop } = await createPostgresDatabase(template)
  return closingWith(openPostgres({ url, poolSize: 4, statementTimeoutMs: 30_000 }), drop)
}

/** An empty database of its own; gone after `close`. */
export async function openEmptyDatabase(): Promise<Database> {
  if (testDatabaseKind === 'embedded') return openEmbedded({ dump: await dumpOf('empty', async () => {}) })
  const { url, drop } = await createPostgresDatabase('template1')
  return closingWith(openPostgres({ url, poolSize: 4, statementTimeoutMs: 30_000 }), drop)
}

/** A new PostgreSQL database, for a test that opens it in several places or in a server of its own. */
export async function createPostgresDatabase(template?: string): Promise<{ url: string, drop: () => Promise<void> }> {
  const name = `loom_test_${randomBytes(8).toString('hex')}`
  const from = template ?? await migratedTemplate()
  await administer(sql => sql.unsafe(`create database ${name} template ${from}`))
  return { url: databaseUrl(name), drop: () => administer(sql => sql.unsafe(`drop database ${name} with (force)`)) }
}

function closingWith(db: Database, drop: () => Promise<void>): Database {
  return {
    ...db,
    close: async () => {
      await db.close()
      await drop()
    }
  }
}

/** Lays a migrated embedded database into a folder, in a tenth of the time that a server takes to make one. */
export async function layEmbeddedDatabase(folder: string): Promise<void> {
  const migrations = await readTestMigrations()
  const template = join(prepared, fingerprint(migrations))
  if (!existsSync(template)) {
    const draft = draftOf(template)
    const db = await openEmbedded({ dataDir: draft })
    await prepare(db, migrations)
    await db.close()
    await rename(draft, template).catch(async (error: NodeJS.ErrnoException) => {
      // Another test was first.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
      await rm(draft, { recursive: true })
    })
  }
  await cp(template, folder, { recursive: true })
}

/** A copy to open databases from, named by what went into it. */
async function dumpOf(name: string, fill: (db: Database) => Promise<void>): Promise<Uint8Array<ArrayBuffer>> {
  const file = join(prepared, `${name}.tar.gz`)
  const cached = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return undefined
  })
  if (cached) return new Uint8Array(cached)
  const db = await openEmbedded()
  await fill(db)
  const dump = await db.dump()
  await db.close()
  await mkdir(prepared, { recursive: true })
  const draft = draftOf(file)
  await writeFile(draft, dump)
  await rename(draft, file)
  return dump
}

/** A name of its own for what is not complete. */
function draftOf(path: string): string {
  return `${path}.${randomBytes(4).toString('hex')}`
}

/** Made once per server and version of the migrations, by whoever comes first. */
async function migratedTemplate(): Promise<string> {
  const migrations = await readTestMigrations()
  const name = `loom_template_${fingerprint(migrations)}`
  await administer(async (sql) => {
    await sql`select pg_advisory_lock(hashtext(${name}))`
    const [ready] = await sql`select from pg_database where datname = ${name} and datistemplate`
    if (ready) return
    await sql.unsafe(`drop database if exists ${name}`)
    await sql.unsafe(`create database ${name}`)
    const db = openPostgres({ url: databaseUrl(name), poolSize: 1, statementTimeoutMs: 0 })
    await prepare(db, migrations)
    await db.close()
    await sql.unsafe(`alter database ${name} with is_template true`)
  })
  return name
}

async function prepare(db: Database, migrations: readonly Migration[]): Promise<void> {
  await migrate(db, migrations)
  await ensureTracePartitions(db, TRACE_MONTHS_AHEAD)
}

/** Short enough for the name of a file, and of a database, of which PostgreSQL reads 63 bytes. */
function fingerprint(migrations: readonly Migration[]): string {
  const month = new Date().toISOString().slice(0, 7).replace('-', '_')
  return `${month}_${createHash('sha256').update(migrations.map(({ hash }) => hash).join()).digest('hex').slice(0, 32)}`
}

/** Runs `work` on one connection of its own to the server's maintenance database. */
async function administer(work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(databaseUrl('postgres'), { max: 1, onnotice: () => {} })
  try {
    await work(sql)
  } finally {
    await sql.end()
  }
}

function databaseUrl(name: string): string {
  const postgresUrl = inject('postgresUrl')
  if (!postgresUrl) throw new Error('No PostgreSQL was started for this test run')
  const url = new URL(postgresUrl)
  url.pathname = `/${name}`
  return url.href
}
