import { cpus, loadavg } from 'node:os'
import postgres from 'postgres'
import { median } from './statistics'

const COMMITS = 100

/** What a reader needs to judge the figures: the machine, how busy it is with other things, and what a commit costs on its disk. */
export async function describeMachine(databaseUrl: string): Promise<string> {
  const cores = cpus()
  const [load = 0] = loadavg()
  const busy = load > cores.length / 2 ? ' - BUSY with other work: trust nothing but the CPU figures' : ''
  const commitMs = await measureCommit(databaseUrl)
  return `${cores.length} × ${cores[0]?.model ?? 'CPU'}, Node ${process.versions.node}; load average ${load.toFixed(1)}${busy}\none commit in this PostgreSQL: ${commitMs.toFixed(2)} ms (p50)\n`
}

async function measureCommit(databaseUrl: string): Promise<number> {
  const sql = postgres(databaseUrl, { max: 1 })
  await sql`create table bench_commits (n integer)`
  const took: number[] = []
  for (let n = 0; n < COMMITS; n++) {
    const startedAt = performance.now()
    await sql`insert into bench_commits values (${n})`
    took.push(performance.now() - startedAt)
  }
  await sql`drop table bench_commits`
  await sql.end()
  return median(took)
}
