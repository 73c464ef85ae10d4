import { z } from 'zod'
import type { Database } from '../../db/client'
import type { PlatformStatus } from '../../shared/platform'
import { version } from '../../package.json'
import type { Runtime } from '../runtime'

const LARGEST = 8

const DatabaseRow = z.object({ version: z.string(), bytes: z.coerce.number() })
const Table = z.object({ name: z.string(), bytes: z.coerce.number() })
const Replica = z.object({ id: z.string(), hostname: z.string(), version: z.string(), started_at: z.string(), heartbeat_at: z.string(), silent_ms: z.coerce.number() })
const Tasks = z.object({ status: z.string(), count: z.coerce.number() })

/** How the installation is: its replicas as all of them tell, its jobs as this one knows. Ages are by the database's clock. */
export async function getStatus({ db, config, redis, replicaId, migrations, jobs }: Pick<Runtime, 'db' | 'config' | 'redis' | 'replicaId' | 'migrations' | 'jobs'>): Promise<PlatformStatus> {
  const replicas = await db.query(`select id, hostname, version, created_at::text as started_at, heartbeat_at::text, extract(epoch from now() - heartbeat_at) * 1000 as silent_ms from replicas order by created_at desc, id`)
  const tasks = await db.query('select status, count(*) from tasks group by status')
  return {
    version,
    node: process.versions.node,
    database: await describeDatabase(db, migrations.length),
    redis: redis === undefined ? 'none' : redis.status === 'ready' ? 'connected' : 'lost',
    replicas: replicas.map(row => Replica.parse(row)).map(row => ({
      id: row.id, hostname: row.hostname, version: row.version, startedAt: new Date(row.started_at).toISOString(), heartbeatAt: new Date(row.heartbeat_at).toISOString(),
      alive: row.silent_ms < config.REPLICA_TIMEOUT_MS, current: row.id === replicaId
    })),
    tasks: Object.fromEntries(tasks.map(row => Tasks.parse(row)).map(({ status, count }) => [status, count])),
    jobs: jobs.describe()
  }
}

async function describeDatabase({ kind, query }: Database, migrations: number): Promise<PlatformStatus['database']> {
  const [row] = await query(`select current_setting('server_version') as version, pg_database_size(current_database()) as bytes`)
  const tables = await query(`
    select coalesce(p.relname, c.relname)::text as name, sum(pg_total_relation_size(c.oid))::bigint as bytes
      from pg_class c left join pg_inherits i on i.inhrelid = c.oid left join pg_class p on p.oid = i.inhparent
     where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
     group by 1 order by 2 desc, 1 limit ${LARGEST}`)
  const { version: serverVersion, bytes } = DatabaseRow.parse(row)
  return { kind, version: serverVersion, sizeBytes: bytes, tables: tables.map(table => Table.parse(table)), migrations }
}
