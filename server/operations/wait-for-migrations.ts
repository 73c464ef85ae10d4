import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../../db/client'
import { MigrationError, pendingMigrations } from '../../db/migrate'
import type { Migration } from '../../db/read-migrations'
import type { Log } from './log'

const PAUSE_MS = 1_000

/** What the start waits for. */
export interface MigrationWait {
  /** The migrations that the database lacks. */
  missing: readonly string[]
  /** Whether it answered when it was last asked. */
  database: 'ok' | 'unreachable'
}

let wait: MigrationWait | undefined
const begun = Promise.withResolvers<undefined>()

/** Resolves when a start has to wait; never where nothing is missing. */
export const waitBegun = begun.promise

/** undefined where the start waits for nothing. */
export function currentWait(): MigrationWait | undefined {
  return wait
}

/**
 * Resolves once the database has all `migrations`, which somebody else applies, as the job of a rollout does. Until then nothing of it is touched, and it may be away for a while.
 * @throws {MigrationError} the database is newer than this version, or one of them was edited after it was applied
 * @throws {Error} on the embedded database, which nobody else can open meanwhile
 */
export async function waitForMigrations(db: Database, migrations: readonly Migration[], log: Log): Promise<void> {
  // Nothing has begun that would have to end.
  const leave = () => process.exit(0)
  const signals = ['SIGTERM', 'SIGINT'] as const
  for (const signal of signals) process.on(signal, leave)
  let missing = await pendingMigrations(db, migrations)
  if (missing.length > 0) {
    const lacks = `The database lacks ${missing.join(', ')}.`
    if (db.kind === 'embedded') throw new Error(`${lacks} Run npm run db:migrate, or set DB_AUTO_MIGRATE=true.`)
    log.warn(`${lacks} Nothing is served until they are applied: npm run db:migrate does so, or DB_AUTO_MIGRATE=true at a start.`)
    wait = { missing, database: 'ok' }
    begun.resolve(undefined)
  }
  while (missing.length > 0) {
    await sleep(PAUSE_MS)
    try {
      missing = await pendingMigrations(db, migrations)
      wait = { missing, database: 'ok' }
    } catch (error) {
      if (error instanceof MigrationError) throw error
      if (wait?.database === 'ok') log.warn({ err: error }, 'The database does not answer. It is asked again until it does.')
      wait = { missing, database: 'unreachable' }
    }
  }
  wait = undefined
  for (const signal of signals) process.off(signal, leave)
}
