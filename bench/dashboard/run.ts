// `npm run bench:dashboard [-- --traces 10000000 --months 36]`: fills a PostgreSQL of its own with traces, measures what the dashboard asks of it, and explains how it answers.
// `--database postgres://…`: an empty one to be filled and kept, or one that an earlier run has filled.
import { drizzle } from 'drizzle-orm/postgres-js'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { z } from 'zod'
import type { Database, Orm } from '../../db/client'
import { migrate } from '../../db/migrate'
import { openPostgres } from '../../db/open-postgres'
import { migrationFilesIn, readMigrations } from '../../db/read-migrations'
import * as schema from '../../db/schema'
import { appendCalls } from '../../server/analytics/roll-up'
import { exportTraces } from '../../server/traces/export-traces'
import { startPostgres } from '../../tests/support/postgres'
import { describeMachine } from '../describe-machine'
import { formatTable } from '../report'
import { median, percentile } from '../statistics'
import type { Generated } from './generate-traces'
import { findGenerated, generateTraces } from './generate-traces'
import { measureInserts } from './measure-inserts'
import { measureUpkeep } from './measure-upkeep'
import type { BenchQuery } from './queries'
import { listQueries } from './queries'

const DEEP_ROWS = 1_000_000
const PENDING_CALLS = 5_000
const EXPORT_ROWS = 1_000_000
const ROUNDS = 30

const { values } = parseArgs({ options: { traces: { type: 'string', default: '10000000' }, months: { type: 'string', default: '36' }, database: { type: 'string' } } })
const { traces, months } = z.object({ traces: z.coerce.number().int().min(1_000), months: z.coerce.number().int().min(1).max(120) }).parse(values)

if (values.database) {
  await run(values.database)
} else {
  const server = await startPostgres()
  if (!server) throw new Error('PostgreSQL is not installed (Debian: apt-get install postgresql)')
  try {
    await run(await server.createDatabase('dashboard'))
  } finally {
    await server.stop()
  }
}

async function run(url: string): Promise<void> {
  console.log(`${await describeMachine(url)}\n${traces} traces over ${months} months\n`)
  const db = openPostgres({ url, poolSize: 4, statementTimeoutMs: 0 })
  await migrate(db, await readMigrations(migrationFilesIn(join(import.meta.dirname, '../../drizzle'))))
  const made = await findGenerated(db) ?? await generateTraces(db, traces, months, line => console.log(line))
  const queries = await queriesOf(url, made)
  console.log(`\n${await measure(db.orm, queries)}\n`)
  for (const { name, run } of queries) console.log(`--- ${name}\n${(await explain(url, run)).join('\n')}\n`)
  await measureBesidePending(db, made, queries)
  await measureBesideInserts(db, url, made, queries)
  await measureExport(db.orm, made)
  for (const batch of [1, 20]) {
    const { captureMs, bareMs, mergeMs } = await measureUpkeep(db, made, batch)
    const added = (captureMs + mergeMs) / bareMs - 1
    console.log(`hourly totals: a capture of ${batch} takes ${bareMs.toFixed(2)} ms without and ${captureMs.toFixed(2)} ms with them, and ${mergeMs.toFixed(3)} ms when it is merged: ${(added * 100).toFixed(1)} % more (≤ 10 %: ${added <= 0.1 ? 'ok' : 'MISS'})`)
  }
  await db.close()
}

/** What is asked, with the position of the deep pages. */
async function queriesOf(url: string, made: Generated): Promise<BenchQuery[]> {
  const rows = Math.min(DEEP_ROWS, Math.floor(traces / 2))
  const sql = postgres(url, { max: 1 })
  const [row] = await sql`select created_at::text as "createdAt", id from traces where org_id = ${made.orgId} order by created_at desc, id desc offset ${rows} limit 1`
  await sql.end()
  return listQueries(made, { ...z.object({ createdAt: z.string(), id: z.string() }).parse(row), page: rows / 100 })
}

async function measure(orm: Orm, queries: readonly BenchQuery[]): Promise<string> {
  const results: string[][] = []
  for (const { name, limitMs, run } of queries) {
    const took: number[] = []
    for (let round = 0; round < ROUNDS + 3; round++) {
      const startedAt = performance.now()
      await run(orm)
      // The first ones warm up caches.
      if (round >= 3) took.push(performance.now() - startedAt)
    }
    const p95 = percentile(took, 0.95)
    results.push([name, median(took).toFixed(1), p95.toFixed(1), `≤ ${limitMs}`, p95 <= limitMs ? 'ok' : 'MISS'])
  }
  return formatTable(['query', 'p50 ms', 'p95 ms', 'target', ''], results)
}

/** What reads hours, while calls wait to be merged into theirs. */
async function measureBesidePending(db: Database, made: Generated, queries: readonly BenchQuery[]): Promise<void> {
  await db.query(appendCalls('(select *, status_code < 400 as charged from traces where org_id = $1 order by created_at desc limit $2::int) as calls'), [made.orgId, PENDING_CALLS])
  console.log(`While ${PENDING_CALLS} calls wait to be merged into their hours\n${await measure(db.orm, queries.filter(({ name }) => /overview|summary|timeseries|filters/.test(name)))}\n`)
  // They are in their hours already.
  await db.query('delete from usage_pending')
}

async function measureBesideInserts(db: Database, url: string, made: Generated, queries: readonly BenchQuery[]): Promise<void> {
  const writer = openPostgres({ url, poolSize: 2, statementTimeoutMs: 0 })
  const { queries: results, rate } = await measureInserts(db, writer, made, queries.filter(({ name }) => name.startsWith('list, ')))
  await writer.close()
  const rows = results.map(({ query: { name, limitMs }, aloneMs, besideMs }) => {
    const p95 = percentile(besideMs, 0.95)
    return [name, median(aloneMs).toFixed(1), median(besideMs).toFixed(1), percentile(aloneMs, 0.95).toFixed(1), p95.toFixed(1), `≤ ${limitMs}`, p95 <= limitMs ? 'ok' : 'MISS']
  })
  console.log(`The list while ${rate.toFixed(0)} calls a second are captured, by turns with nothing else\n${formatTable(['query', 'p50 ms alone', 'beside inserts', 'p95 ms alone', 'beside inserts', 'target', ''], rows)}\n`)
}

/** The plan of each statement that `run` makes, as PostgreSQL tells it beside the answer. */
async function explain(url: string, run: (orm: Orm) => Promise<unknown>): Promise<string[]> {
  const plans: string[] = []
  const sql = postgres(url, {
    max: 1,
    types: { bigint: postgres.BigInt },
    onnotice: ({ message }) => plans.push(String(message)),
    connection: { 'TimeZone': 'UTC', 'session_preload_libraries': 'auto_explain', 'auto_explain.log_min_duration': '0', 'auto_explain.log_level': 'notice', 'auto_explain.log_analyze': true, 'auto_explain.log_timing': false }
  })
  await run(drizzle(sql, { schema }))
  await sql.end()
  return plans
}

async function measureExport(orm: Orm, made: Generated): Promise<void> {
  const before = process.memoryUsage().rss
  const startedAt = performance.now()
  const stop = new AbortController()
  let [lines, bytes, peak] = [0, 0, before]
  for await (const text of exportTraces(orm, { orgId: made.orgId, projectId: null }, { format: 'csv' }, stop.signal)) {
    lines += text.split('\r\n').length - 1
    bytes += text.length
    peak = Math.max(peak, process.memoryUsage().rss)
    if (lines > EXPORT_ROWS) stop.abort()
  }
  const seconds = (performance.now() - startedAt) / 1000
  console.log(`export: ${lines - 1} rows, ${(bytes / 1e6).toFixed(0)} MB in ${seconds.toFixed(1)} s; memory ${(before / 1e6).toFixed(0)} MB before, at most ${(peak / 1e6).toFixed(0)} MB on the way`)
}
