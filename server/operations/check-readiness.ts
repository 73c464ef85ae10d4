import { migrationStatus } from '../../db/migrate'
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
    const { applied: _, ...others } = Object.groupBy(await migrationStatus(db, migrations), ({ state }) => state)
    const verdicts = Object.entries(others).map(([state, entries]) => `${state}: ${entries.map(({ tag }) => tag).join(', ')}`)
    if (verdicts.length > 0) checks.migrations = verdicts.join('; ')
  } catch (error) {
    log.warn({ err: error }, 'The database does not answer')
    checks.database = 'unreachable'
    checks.migrations = 'unknown'
  }
  return { ready: Object.values(checks).every(verdict => verdict === 'ok'), checks }
}
