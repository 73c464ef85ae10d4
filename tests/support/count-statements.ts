import postgres from 'postgres'
import type { PostgresServer } from './postgres'
import { until } from './until'

const TIMES = 20
const END = 'the last of the counted'

/**
 * The statements that `work` has PostgreSQL run, by its own log: each with how often, of those that ran every time. What ran now and then is of
 * the jobs in the background.
 * @param work always the same, one request at a time
 */
export async function countStatements(server: PostgresServer, work: () => Promise<void>): Promise<Map<string, number>> {
  const sql = postgres(server.url, { max: 1 })
  await sql`alter system set log_parameter_max_length = 0`
  await sql`alter system set log_statement = 'all'`
  await sql`select pg_reload_conf()`
  const from = server.logs().length
  // Each connection hears of the setting by itself.
  await until(async () => {
    await work()
    return readStatements(server.logs().slice(from)).length > 0
  })
  const start = server.logs().length
  for (let time = 0; time < TIMES; time++) await work()
  await sql.unsafe(`select '${END}'`)
  await until(() => server.logs().slice(start).includes(END), { what: () => 'PostgreSQL to print what it ran' })
  const statements = readStatements(server.logs().slice(start))
  await sql`alter system reset all`
  await sql`select pg_reload_conf()`
  await sql.end()
  const counts = Object.entries(Object.groupBy(statements, statement => statement)).map(([statement, runs = []]) => [statement, Math.round(runs.length / TIMES)] as const)
  return new Map(counts.filter(([, count]) => count > 0))
}

/** Each entry begins with how it came; its further lines are indented. */
function readStatements(log: string): string[] {
  return [...log.matchAll(/LOG: {2}(?:execute [^:\n]+|statement): (.*(?:\n\t.*)*)/g)].map(([, statement = '']) => statement)
}
