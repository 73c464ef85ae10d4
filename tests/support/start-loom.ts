import { join } from 'node:path'
import { createPostgresDatabase, layEmbeddedDatabase, testDatabaseKind } from './database'
import type { LoomServer, LoomServerOptions } from './loom-server'
import { startLoomServer } from './loom-server'

/**
 * The built server, on the kind of database that the running vitest project tests, migrated before: `remove()` it after the test. Tests of the first start take `startLoomServer`.
 * @param options.database to test one kind whatever the project
 */
export async function startLoom({ database = testDatabaseKind, env = {}, ...options }: LoomServerOptions & { database?: 'embedded' | 'postgres' } = {}): Promise<LoomServer> {
  if (database === 'embedded') return startLoomServer({ env, furnish: dataDir => layEmbeddedDatabase(join(dataDir, 'db')), ...options })
  const { url, drop } = await createPostgresDatabase()
  const server = await startLoomServer({ env: { DATABASE_URL: url, ...env }, ...options }).catch(async (error: unknown) => {
    await drop()
    throw error
  })
  const remove = server.remove
  server.remove = async () => {
    await remove()
    await drop()
  }
  return server
}
