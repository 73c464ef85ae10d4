import type { TestProject } from 'vitest/node'
import { startPostgres } from './postgres'
import { hasRedis } from './redis'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The kind of database this project's tests run on. */
    database: 'embedded' | 'postgres'
    /** A PostgreSQL server to create databases on; undefined where PostgreSQL is not installed. */
    postgresUrl: string | undefined
  }
}

/** Starts the one PostgreSQL server of a test run, where a project of the run needs it. */
export default async function setup(project: TestProject) {
  const names = project.vitest.projects.map(({ name }) => name)
  if (!names.some(name => name.startsWith('api-'))) return
  const server = await startPostgres()
  if (!server) tellSkipped()
  if (!hasRedis) tellRedisSkipped()
  // Read by tools that are not tests, too.
  if (server) process.env.TEST_DATABASE_URL = server.url
  project.provide('postgresUrl', server?.url)
  return () => server?.stop()
}

function tellSkipped() {
  if (process.env.LOOM_REQUIRE_POSTGRES) throw new Error('LOOM_REQUIRE_POSTGRES is set, and PostgreSQL is not installed')
  warn('SKIPPED: no test runs on a real PostgreSQL, because it is not installed.\nInstall it (Debian: apt-get install postgresql) to run the other half of the API tests.')
}

function tellRedisSkipped() {
  if (process.env.LOOM_REQUIRE_REDIS) throw new Error('LOOM_REQUIRE_REDIS is set, and Redis is not installed')
  warn('SKIPPED: no test runs on Redis, because it is not installed.\nInstall it (Debian: apt-get install redis-server) to run the tests of shared limits.')
}

function warn(text: string) {
  const line = '!'.repeat(80)
  console.warn(`\n${line}\n${text}\n${line}\n`)
}
