import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { collectTools } from './scripts/collect-tools.mjs'
import { findPostgresPrograms } from './scripts/ensure-postgres.mjs'

/** As the server is built with them. */
const plugins = [collectTools(join(import.meta.dirname, 'server/chat/tools'))]
const withPostgres = Boolean(process.env.LOOM_REQUIRE_POSTGRES) || findPostgresPrograms() !== undefined

/**
 * - `unit`: no server, no database.
 * - `api-embedded` and `api-postgres`: every test of `tests/api` runs twice, once on each kind of database;
 *   `openTestDatabase()` and `startLoom()` follow the project they run in. The postgres half is left out, loudly, where
 *   PostgreSQL is not installed (unless `LOOM_REQUIRE_POSTGRES` is set: then the run fails).
 */
export default defineConfig({
  test: {
    globalSetup: ['tests/support/global-setup.ts'],
    projects: [
      {
        plugins,
        // As Nuxt resolves it for the app.
        resolve: { alias: { '#shared': join(import.meta.dirname, 'shared') } },
        test: { name: 'unit', include: ['tests/unit/**/*.test.ts'], testTimeout: 60_000 }
      },
      apiProject('embedded'),
      ...withPostgres ? [apiProject('postgres')] : []
    ]
  }
})

function apiProject(database: 'embedded' | 'postgres') {
  return {
    plugins,
    test: {
      name: `api-${database}`,
      include: ['tests/api/**/*.test.ts'],
      provide: { database },
      // Starting a server takes seconds on a busy machine; the first one of a run may have to be built (in a hook, please).
      testTimeout: 120_000,
      hookTimeout: 300_000
    }
  }
}
