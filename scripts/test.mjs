// `npm test`: every check there is, one after the other, up to the first that fails.
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureBuilt } from './ensure-build.mjs'
import { ensureInstalled } from './ensure-install.mjs'
import { ensurePostgres, findPostgresPrograms } from './ensure-postgres.mjs'
import { ensureRedis } from './ensure-redis.mjs'
import { findNode } from './pinned-node.mjs'
import { main, root, ScriptError, toolEnvironment } from './project.mjs'
import { runCommand } from './run-command.mjs'
import { withLock } from './take-lock.mjs'

const reports = join(root, '.cache', 'test')
const counts = { passed: 0, failed: 0, skipped: 0 }

/** @type {[heading: string, run: () => Promise<void>][]} */
const stages = [
  ['Packages', () => withLock('build', ensureInstalled)],
  ['PostgreSQL', ensurePostgres],
  ['Redis', ensureRedis],
  ['Types of the framework', () => tool('nuxt/bin/nuxt.mjs', 'prepare')],
  ['Lint', () => tool('eslint/bin/eslint.js', '.', '--max-warnings', '0')],
  ['Types', () => tool('vue-tsc/bin/vue-tsc.js', '-b', '--noEmit')],
  ['Unused code', () => tool('knip/bin/knip.js')],
  ['Unit tests', () => vitest('unit')],
  ['Production build', () => withLock('build', ensureBuilt)],
  ['API tests, on both databases', () => vitest('api-*')],
  ['Browser tests', playwright]
]

await main(async () => {
  await rm(reports, { recursive: true, force: true })
  await mkdir(reports, { recursive: true })
  await main(runStages)
  if (process.exitCode) counts.failed ||= 1
  // The last line is read by programs too.
  const skipped = counts.skipped ? `, ${counts.skipped} skipped` : ''
  // Told long before, above the browser tests, and of no test that was counted.
  const untested = findPostgresPrograms() ? '' : '; NOTHING was tested on PostgreSQL, which is not installed'
  console.log(`\n${counts.passed} passed, ${counts.failed} failed${skipped}${untested}`)
})

async function runStages() {
  for (const [heading, run] of stages) {
    console.log(`\n=== ${heading}`)
    await run()
  }
}

/**
 * Runs an installed tool on the pinned Node.
 * @param {string} entry its program, inside node_modules
 * @param {string[]} parameters
 */
async function tool(entry, ...parameters) {
  const code = await runCommand(findNode(), [join(root, 'node_modules', entry), ...parameters], { env: toolEnvironment() })
  if (code !== 0) throw new ScriptError(`${entry.split('/')[0]} failed with exit code ${code}.`)
}

/** @param {string} project as vitest.config.ts names it */
async function vitest(project) {
  const report = join(reports, `vitest-${project.replace('*', 'all')}.json`)
  try {
    await tool('vitest/vitest.mjs', 'run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`)
  } finally {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = await readReport(report)
    count(numPassedTests, numFailedTests, numPendingTests + numTodoTests)
  }
}

async function playwright() {
  const report = join(reports, 'playwright.json')
  process.env.PLAYWRIGHT_JSON_OUTPUT_NAME = report
  try {
    await tool('@playwright/test/cli.js', 'test', '--reporter=list,json')
  } finally {
    const { stats: { expected = 0, flaky = 0, unexpected, skipped } = {} } = await readReport(report)
    if (flaky) console.log(`\n${flaky} passed at a second go only: each is a defect, of the test or of Loom.`)
    count(expected + flaky, unexpected, skipped)
  }
}

function count(passed = 0, failed = 0, skipped = 0) {
  counts.passed += passed
  counts.failed += failed
  counts.skipped += skipped
}

/** @param {string} path */
async function readReport(path) {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    // A runner that could not even start writes no report; its exit code tells.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw error
  }
}
