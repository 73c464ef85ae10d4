// `npm run db:migrate`, `db:status`, `db:revert`, `db:seed`, `ledger:check`, `usage:rebuild`, `audit:verify`: the database by hand, on whichever one the environment names.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from '../db/client'
import { openDatabase } from '../db/connect-database'
import { ensureTracePartitions, TRACE_MONTHS_AHEAD } from '../db/ensure-trace-partitions'
import { migrate, migrationStatus, pendingMigrations, revertLast } from '../db/migrate'
import { migrationFilesIn, readMigrations } from '../db/read-migrations'
import type { Migration } from '../db/read-migrations'
import { seedDemoData } from '../db/seed'
import type { RebuildReport } from '../server/analytics/rebuild-usage'
import { rebuildUsage } from '../server/analytics/rebuild-usage'
import { verifyChains } from '../server/audit/verify-chains'
import { checkLedger, countHolds } from '../server/billing/check-ledger'
import type { Config } from '../server/config'
import { readConfig } from '../server/config'
import { main, root, ScriptError } from './project.mjs'

type Command = (db: Database, migrations: readonly Migration[], config: Config) => Promise<string[]>

const commands: Record<string, Command> = {
  'migrate': async (db, migrations) => {
    const applied = await migrate(db, migrations)
    const { putOff } = await ensureTracePartitions(db, TRACE_MONTHS_AHEAD)
    const lines = applied.length > 0 ? applied.map(tag => `applied ${tag}`) : ['Nothing to do: every migration is applied.']
    return putOff.length > 0 ? [...lines, `Traces are being read: Loom makes the partitions of ${putOff.join(', ')} once they are not.`] : lines
  },
  'status': async (db, migrations) => (await migrationStatus(db, migrations)).map(({ tag, state }) => `${state.padEnd(8)} ${tag}`),
  'revert': async (db, migrations) => {
    const tag = await revertLast(db, migrations)
    return [tag ? `reverted ${tag}` : 'Nothing to do: no migration is applied.']
  },
  'seed': async (db, migrations) => {
    if ((await pendingMigrations(db, migrations)).length > 0) throw new Error('The database is not migrated yet. Run: npm run db:migrate')
    const outcome = await seedDemoData(db)
    // Whatever the outcome: a run that was cut short has added the org without its hours.
    requireEqual(await rebuildUsage(db))
    if (outcome === 'deleted') return ['The demo org Acme Research is deleted: restore it under Platform in the dashboard.']
    return [`${outcome === 'added' ? 'Added' : 'There already:'} the demo org Acme Research; its owners are the platform admins.`]
  },
  'check-ledger': async (db, _, { REPLICA_TIMEOUT_MS: replicaTimeoutMs }) => {
    const faults = await checkLedger(db, replicaTimeoutMs)
    if (faults.length === 0) {
      const holds = await countHolds(db)
      const held = `${holds} holds and leases are of processes that gave a sign of life within ${2 * replicaTimeoutMs / 1000} seconds. Where those are gone, start Loom once and check again.`
      return ['The ledger is exact: every balance, hold and charge adds up.', ...holds > 0 ? [held] : []]
    }
    const lines = faults.map(fault => `org ${fault.org_id}: ${fault.rule}: expected ${fault.expected}, found ${fault.found}`)
    throw new Error(`The ledger does not add up.\n${lines.join('\n')}`)
  },
  'rebuild-usage': async (db) => {
    const report = await rebuildUsage(db)
    requireEqual(report)
    return [`The hourly totals are what the calls add up to: ${report.days} days compared, ${report.rebuilt} written anew.`]
  },
  'verify-audit': async (db) => {
    const reports = await Array.fromAsync(verifyChains(db.orm))
    const faults = reports.flatMap(({ fault }) => fault ? [`org ${fault.orgId}: entry ${fault.sequence}: ${fault.fault}`] : [])
    if (faults.length > 0) throw new Error(`The audit log was tampered with.\n${faults.join('\n')}`)
    return [...reports.filter(({ entries }) => entries > 0).map(({ orgId, entries, head }) => `org ${orgId}: ${entries} entries, head ${head}`), 'The audit log is whole: every entry is what was written, in its place.']
  }
}

await main(async () => {
  const command = commands[process.argv[2] ?? '']
  if (!command) throw new ScriptError(`usage: database <${Object.keys(commands).join(' | ')}>`)
  const settings = join(root, '.env')
  if (existsSync(settings)) process.loadEnvFile(settings)
  try {
    const migrations = await readMigrations(migrationFilesIn(join(root, 'drizzle')))
    const config = readConfig(process.env)
    const db = await openDatabase(config)
    try {
      for (const line of await command(db, migrations, config)) console.log(line)
    } finally {
      await db.close()
    }
  } catch (error) {
    throw new ScriptError(error instanceof Error ? describe(error) : String(error), { cause: error })
  }
})

function requireEqual({ unequal }: RebuildReport): void {
  if (unequal.length > 0) throw new Error(`Some hourly totals are still not what their calls add up to.\n${unequal.map(({ orgId, day }) => `org ${orgId}: ${day}`).join('\n')}`)
}

/** One line. A refused connection to several addresses has its reasons inside and no message of its own. */
function describe(error: Error): string {
  const inner = error instanceof AggregateError ? error.errors.find(each => each instanceof Error) : undefined
  return error.message || (inner instanceof Error ? inner.message : error.name)
}
