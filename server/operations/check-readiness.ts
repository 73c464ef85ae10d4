import { pendingMigrations } from '../../db/connect-database'
import type { Runtime } from '../runtime'

export interface Readiness {
  ready: boolean
  /** Each check's verdict: `ok`, or what is wrong. */
  checks: { database: string, migrations: string, process: string }
}

/** Ready means: the database answers, its schema is this version's, and the process is not on its way out. */
export async function checkReadiness({ db, migrations, stopping, log }: Pick<Runtime, 'db' | 'migrations' | 'stopping' | 'log'>): Promise<Readiness> {
  const checks: Readiness['checks'] = { database: 'ok', migrations: 'ok', process: stopping ? 'stopping' : 'ok' }
  try {
    const pending = await pendingMigrations(db, migrations)
    if (pending.length > 0) checks.migrations = `pending: ${pending.join(', ')}`
  } catch (error) {
    log.warn({ err: error }, 'The database does not answer')
    checks.database = 'unreachable'
    checks.migrations = 'unknown'
  }
  return { ready: Object.values(checks).every(verdict => verdict === 'ok'), checks }
}
