import { join } from 'node:path'
import type { Database } from './client'
import { migrate, resetDatabase } from './migrate'
import { openEmbedded } from './open-embedded'
import { openPostgres } from './open-postgres'
import type { PostgresOptions, SilenceWatch } from './open-postgres'
import { readMigrations } from './read-migrations'
import type { ReadMigrationFile } from './read-migrations'

/** The settings that concern the database, by the names of the environment. */
export interface DatabaseConfig {
  NODE_ENV: string
  LOOM_DATA_DIR: string
  DATABASE_URL?: string | undefined
  DATABASE_POOL_SIZE: number
  DATABASE_DEADLINE_MS: number
  DB_AUTO_MIGRATE: boolean
  DB_RESET_ON_START: boolean
  DB_RESET_FORCE: boolean
}

const STATEMENT_TIMEOUT_MS = 30_000

/**
 * PostgreSQL when DATABASE_URL names one, else the embedded database in LOOM_DATA_DIR.
 * @param watch for a server, whose callers must not wait on a database that has fallen silent; left out, statements take their time
 */
export async function openDatabase(config: Pick<DatabaseConfig, 'DATABASE_URL' | 'DATABASE_POOL_SIZE' | 'LOOM_DATA_DIR'>, watch?: Pick<PostgresOptions, 'deadlineMs' | keyof SilenceWatch>): Promise<Database> {
  if (config.DATABASE_URL) return openPostgres({ url: config.DATABASE_URL, poolSize: config.DATABASE_POOL_SIZE, statementTimeoutMs: STATEMENT_TIMEOUT_MS, ...watch })
  return openEmbedded({ dataDir: join(config.LOOM_DATA_DIR, 'db') })
}

/**
 * Opens the database and brings it to this version's schema, as far as the configuration allows: reset, migrate. On failure it is closed again.
 * @param watch told of what got no answer within DATABASE_DEADLINE_MS
 * @throws {MigrationError | DataFolderInUseError | Error} one clear message for the operator
 */
export async function connectDatabase(config: DatabaseConfig, readMigrationFile: ReadMigrationFile, watch?: SilenceWatch): Promise<Database> {
  if (config.DB_RESET_ON_START && config.NODE_ENV === 'production' && !config.DB_RESET_FORCE) {
    throw new Error('DB_RESET_ON_START would delete the production database. Unset it, or set DB_RESET_FORCE=true if that is what you want.')
  }
  const migrations = await readMigrations(readMigrationFile)
  const db = await openDatabase(config, { deadlineMs: config.DATABASE_DEADLINE_MS, ...watch })
  try {
    if (config.DB_RESET_ON_START) await resetDatabase(db)
    if (config.DB_AUTO_MIGRATE) await migrate(db, migrations)
    return db
  } catch (error) {
    await db.close()
    throw error
  }
}
