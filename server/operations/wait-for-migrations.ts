import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../../db/client'
import { pendingMigrations } from '../../db/connect-database'
import type { Migration } from '../../db/read-migrations'
import type { Log } from './log'

const PAUSE_MS = 1_000

let missing: readonly string[] = []

/** The migrations that the start waits for. */
export function missingMigrations(): readonly string[] {
  return missing
}

/**
 * Resolves once the database has all `migrations`, which somebody else applies, as the job of a rollout does. Until then nothing of it is touched.
 * @throws {Error} on the embedded database, which nobody else can open meanwhile
 */
export async function waitForMigrations(db: Database, migrations: readonly Migration[], log: Log): Promise<void> {
  // Nothing has begun that would have to end.
  const leave = () => process.exit(0)
  const signals = ['SIGTERM', 'SIGINT'] as const
  for (const signal of signals) process.on(signal, leave)
  for (let pending = await pendingMigrations(db, migrations); pending.length > 0; pending = await pendingMigrations(db, migrations)) {
    const lacks = `The database lacks ${pending.join(', ')}.`
    if (db.kind === 'embedded') throw new Error(`${lacks} Run npm run db:migrate, or set DB_AUTO_MIGRATE=true.`)
    if (missing.length === 0) log.warn(`${lacks} Nothing is served until they are applied: npm run db:migrate does so, or DB_AUTO_MIGRATE=true at a start.`)
    missing = pending
    await sleep(PAUSE_MS)
  }
  missing = []
  for (const signal of signals) process.off(signal, leave)
}
