import { createPostgresDatabase, testDatabaseKind } from './database'
import type { LoomServer, LoomServerOptions } from './loom-server'
import { startLoomServer } from './loom-server'

/**
 * The built server, on the kind of database that the running vitest project tests: `remove()` it after the test.
 * @param options.database to test one kind whatever the project
 */
export async function startLoom({ database = testDatabaseKind, env = {}, ...options }: LoomServerOptions & { database?: 'embedded' | 'postgres' } = {}): Promise<LoomServer> {
  if (database === 'embedded') return startLoomServer({ env, ...options })
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
