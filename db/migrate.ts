import { z } from 'zod'
import type { Database, Query } from './client'
import type { Migration } from './read-migrations'

export interface MigrationStatus {
  tag: string
  /** `edited`: applied here, its file changed since. `newer`: applied here by a newer version of Loom. */
  state: 'applied' | 'pending' | 'edited' | 'newer'
}

/** The database cannot be brought to the schema of this version; the message says why and what to do. */
export class MigrationError extends Error {
  override name = 'MigrationError'
}

/**
 * Applies what is pending, each migration in a transaction of its own under a lock, so that several replicas may start at once.
 * @returns the tags applied by this call
 * @throws {MigrationError} one failed (nothing of it remains), was edited after it was applied, or is unknown here
 */
export async function migrate(db: Database, migrations: readonly Migration[]): Promise<string[]> {
  const applied: string[] = []
  for (;;) {
    const tag = await alone(db, query => applyNext(query, migrations))
    if (tag === undefined) return applied
    applied.push(tag)
  }
}

/**
 * Takes the last applied migration back.
 * @returns its tag; undefined when none is applied
 * @throws {MigrationError} the way back failed (nothing of it remains), or its files are not here
 */
export async function revertLast(db: Database, migrations: readonly Migration[]): Promise<string | undefined> {
  return alone(db, async (query) => {
    const last = (await readApplied(query)).at(-1)
    if (!last) return undefined
    const migration = migrations.find(({ tag }) => tag === last.tag)
    if (!migration) throw new MigrationError(`The last migration, ${last.tag}, belongs to another version of Loom: revert it with that version.`)
    await run(query, migration.tag, 'could not be reverted', migration.down)
    await query('delete from schema_migrations where tag = $1', [migration.tag])
    return migration.tag
  })
}

/** Every migration known here or applied there, in order. */
export async function migrationStatus(db: Database, migrations: readonly Migration[]): Promise<MigrationStatus[]> {
  return compare(await readApplied(db.query), migrations)
}

/**
 * The tags that this version needs and the database lacks: while there are any, nothing is served.
 * @throws {MigrationError} one was edited after it was applied, or is unknown here
 */
export async function pendingMigrations(db: Database, migrations: readonly Migration[]): Promise<string[]> {
  const status = await migrationStatus(db, migrations)
  refuseStrangers(status)
  return status.filter(({ state }) => state === 'pending').map(({ tag }) => tag)
}

/** Empties the database: everything in its public schema is dropped. The caller decides whether that is allowed. */
export async function resetDatabase(db: Database): Promise<void> {
  await alone(db, async (query) => {
    await query('drop schema public cascade')
    await query('create schema public')
  })
}

const AppliedMigration = z.object({ tag: z.string(), hash: z.string() })
type AppliedMigration = z.infer<typeof AppliedMigration>

async function applyNext(query: Query, migrations: readonly Migration[]): Promise<string | undefined> {
  await query('create table if not exists schema_migrations (tag text primary key, hash text not null, applied_at timestamptz not null default now())')
  const status = compare(await readApplied(query), migrations)
  refuseStrangers(status)
  const next = migrations.find(({ tag }) => status.some(entry => entry.tag === tag && entry.state === 'pending'))
  if (!next) return undefined
  await run(query, next.tag, 'failed', next.up)
  await query('insert into schema_migrations (tag, hash) values ($1, $2)', [next.tag, next.hash])
  return next.tag
}

/** Runs `work` in a transaction that no other replica's can overlap, for as long as it takes. */
function alone<T>(db: Database, work: (query: Query) => Promise<T>): Promise<T> {
  return db.transaction(async (query) => {
    await query('set local statement_timeout = 0')
    await query(`select pg_advisory_xact_lock(hashtext('loom:migrate'))`)
    return work(query)
  })
}

async function run(query: Query, tag: string, failure: string, statements: readonly string[]): Promise<void> {
  for (const statement of statements) {
    try {
      await query(statement)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new MigrationError(`Migration ${tag} ${failure}; nothing of it was kept. ${reason}, in: ${statement.replaceAll(/\s+/g, ' ').slice(0, 200)}`, { cause })
    }
  }
}

/** None in a database that was never migrated. */
async function readApplied(query: Query): Promise<AppliedMigration[]> {
  const [exists] = await query(`select to_regclass('schema_migrations') is not null as "exists"`)
  if (exists?.exists !== true) return []
  return AppliedMigration.array().parse(await query('select tag, hash from schema_migrations order by tag'))
}

function compare(applied: readonly AppliedMigration[], migrations: readonly Migration[]): MigrationStatus[] {
  const known = migrations.map(({ tag, hash }): MigrationStatus => {
    const there = applied.find(entry => entry.tag === tag)
    return { tag, state: !there ? 'pending' : there.hash === hash ? 'applied' : 'edited' }
  })
  const newer = applied.filter(({ tag }) => !migrations.some(migration => migration.tag === tag))
  return [...known, ...newer.map(({ tag }): MigrationStatus => ({ tag, state: 'newer' }))]
}

function refuseStrangers(status: readonly MigrationStatus[]): void {
  const newer = status.find(({ state }) => state === 'newer')
  if (newer) throw new MigrationError(`The database is newer than this version of Loom: it has the migration ${newer.tag}. Run the newer version, or revert that migration with it.`)
  const edited = status.find(({ state }) => state === 'edited')
  if (edited) throw new MigrationError(`The migration ${edited.tag} was edited after it was applied here. Put the file back and add a new migration; to throw a development database away, start once with DB_RESET_ON_START=true.`)
}
