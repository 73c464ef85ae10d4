import { z } from 'zod'
import type { Database, Query } from '../../db/client'
import type { Log } from '../operations/log'
import type { Metrics } from '../operations/metrics'
import { listTracePartitions } from './trace-partitions'
import type { TracePartition } from './trace-partitions'

const DAY_MS = 86_400_000
/** Rows a statement: short enough to hold up nobody. */
const BATCH_ROWS = 500
/** Statements a run, so that a stop does not wait for long; the next run goes on. */
const MAX_BATCHES = 400
/** New traces wait for a partition that is dropped, and it for them: rather try again than let calls queue. */
const LOCK_TIMEOUT_MS = 250
const LOCK_NOT_AVAILABLE = '55P03'

const OrgRow = z.object({ id: z.string(), traces_days: z.coerce.number().nullable(), bodies_days: z.coerce.number().nullable() })
const Count = z.object({ count: z.coerce.number() })
const Answer = z.object({ answer: z.boolean() })

interface Work { orgId: string, tracesBefore: Date | undefined, bodiesBefore: Date | undefined }

/**
 * Takes away the traces, and the bodies of traces, that orgs no longer want kept: a month at once where every org is done with
 * it, else row by row in small batches. Usage records and the ledger are never touched. Days are whole ones, of UTC. May run on
 * every replica: one at a time does the work.
 */
export class RetentionJob {
  /** What was done for an org: until a day passes or its setting changes, there is nothing more to do. */
  private readonly done = new Map<string, string>()

  constructor(private readonly db: Database, private readonly metrics: Metrics, private readonly log: Log) {}

  async run(now = new Date()): Promise<void> {
    const today = new Date(Math.floor(now.getTime() / DAY_MS) * DAY_MS)
    for (const { name, month } of await listTracePartitions(this.db)) {
      if (month && month.to < today && await this.isUnwanted(this.db.query, month, today)) await this.dropPartition(name, month, today)
    }
    let batches = 0
    for (const work of await this.findWork(today)) {
      for (const partition of await listTracePartitions(this.db)) {
        for (const [what, statement, before] of [['traces', deleteTraces, work.tracesBefore], ['bodies', blankBodies, work.bodiesBefore]] as const) {
          if (!before || (partition.month && partition.month.from >= before)) continue
          for (let taken = BATCH_ROWS; taken === BATCH_ROWS;) {
            if (++batches > MAX_BATCHES) return
            const count = await this.takeBatch(partition, statement(partition), work.orgId, before)
            if (count === undefined) return
            taken = count
            this.metrics.expiredRows.inc({ what }, count)
          }
        }
      }
      this.done.set(work.orgId, keyOf(work))
    }
  }

  private async findWork(today: Date): Promise<Work[]> {
    const rows = await this.db.query(`
      select id, settings->'retention'->>'tracesDays' as traces_days, settings->'retention'->>'bodiesDays' as bodies_days
        from orgs where settings ? 'retention'`)
    const before = (days: number | null) => days === null ? undefined : new Date(today.getTime() - days * DAY_MS)
    return rows.map(row => OrgRow.parse(row))
      .map(({ id, traces_days, bodies_days }) => ({ orgId: id, tracesBefore: before(traces_days), bodiesBefore: before(bodies_days) }))
      .filter(work => this.done.get(work.orgId) !== keyOf(work))
  }

  /** How many rows one batch took; undefined when another replica is at it. */
  private async takeBatch({ name }: TracePartition, statement: string, orgId: string, before: Date): Promise<number | undefined> {
    return this.db.transaction(async (query) => {
      if (!await isAlone(query)) return undefined
      if (!await isThere(query, name)) return 0
      const [row] = await query(statement, [orgId, before, BATCH_ROWS])
      return Count.parse(row).count
    })
  }

  /** Whether no org wants to keep what it has in this month. What belongs to no org any more is nobody's to keep. */
  private async isUnwanted(query: Query, month: { from: Date, to: Date }, today: Date): Promise<boolean> {
    const [row] = await query(`
      select not exists (
        select from orgs o
         where (o.settings->'retention'->>'tracesDays' is null or $1::timestamptz - make_interval(days => (o.settings->'retention'->>'tracesDays')::int) < $3::timestamptz)
           and exists (select from traces t where t.org_id = o.id and t.created_at >= $2::timestamptz and t.created_at < $3::timestamptz)
      ) as answer`, [today, month.from, month.to])
    return Answer.parse(row).answer
  }

  private async dropPartition(name: string, month: { from: Date, to: Date }, today: Date): Promise<void> {
    try {
      const dropped = await this.db.transaction(async (query) => {
        if (!await isAlone(query) || !await isThere(query, name)) return false
        await query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`)
        // The parent first, as an insert does; then nothing can come in between the look and the drop.
        await query('lock table only traces in access exclusive mode')
        if (!await this.isUnwanted(query, month, today)) return false
        await query(`drop table ${name}`)
        return true
      })
      if (dropped) this.log.info({ partition: name }, 'A month of traces that no organisation keeps was dropped')
    } catch (error) {
      if (!isLockTimeout(error)) throw error
      this.log.info({ partition: name }, 'A month of traces is in use; it is dropped at the next run')
    }
  }
}

const keyOf = ({ tracesBefore, bodiesBefore }: Work) => `${tracesBefore?.getTime()}|${bodiesBefore?.getTime()}`

async function isAlone(query: Query): Promise<boolean> {
  const [row] = await query(`select pg_try_advisory_xact_lock(hashtext('loom:retention')) as answer`)
  return Answer.parse(row).answer
}

/** Only who is alone drops a month, so that it stays until the transaction ends. */
async function isThere(query: Query, partition: string): Promise<boolean> {
  const [row] = await query('select to_regclass($1) is not null as answer', [partition])
  return Answer.parse(row).answer
}

function deleteTraces({ name }: TracePartition): string {
  return `
    with taken as (
      delete from only ${name} where ctid = any(array(select ctid from only ${name} where org_id = $1 and created_at < $2::timestamptz limit $3::int)) returning 1
    ) select count(*) from taken`
}

/** The one change that the trigger of traces lets pass. */
function blankBodies({ name }: TracePartition): string {
  return `
    with taken as (
      update only ${name} set request_body = null, request_iv = null, response_body = null, response_iv = null, encryption_key_version = null
       where ctid = any(array(select ctid from only ${name} where org_id = $1 and created_at < $2::timestamptz and encryption_key_version is not null limit $3::int)) returning 1
    ) select count(*) from taken`
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && (('code' in error && error.code === LOCK_NOT_AVAILABLE) || isLockTimeout(error.cause))
}
