import { z } from 'zod'
import type { Database, Query } from '../../db/client'
import { isDatabaseGone } from '../../db/is-database-gone'
import { lockBriefly } from '../../db/lock-briefly'
import type { Log } from '../operations/log'
import type { Metrics } from '../operations/metrics'
import { listTracePartitions } from './trace-partitions'
import type { TracePartition } from './trace-partitions'

const DAY_MS = 86_400_000
/** Rows a statement: short enough to hold up nobody. */
const BATCH_ROWS = 500
/** Statements a run that take something away; the next run goes on. */
const MAX_BATCHES = 400
/** A stop waits for no more than this, however many find nothing. */
const MAX_RUN_MS = 5_000

const OrgRow = z.object({ id: z.string(), traces_days: z.coerce.number().nullable(), bodies_days: z.coerce.number().nullable() })
const Batch = z.object({ count: z.coerce.number(), reached: z.string().nullable() })
type Batch = z.infer<typeof Batch>
const Answer = z.object({ answer: z.boolean() })

interface Work { orgId: string, tracesBefore: Date | undefined, bodiesBefore: Date | undefined }
/** What came of a batch: rows, none, nothing at all, or another replica is at it. */
type Outcome = 'taken' | 'empty' | 'failed' | 'busy'
/** Work under way; each batch yields what came of it. */
interface Walk { work: Work, batches: AsyncGenerator<Outcome, void> }

/**
 * Takes away the traces, and the bodies of traces, that orgs no longer want kept: a month at once where every org is done with
 * it, else row by row in small batches, in which all orgs take turns. Usage records and the ledger are never touched. Days are whole ones, of UTC. May run on
 * every replica: one at a time does the work.
 */
export class RetentionJob {
  /** What was done for an org: until a day passes or its setting changes, there is nothing more to do. */
  private readonly done = new Map<string, Work>()
  /** What is left to do, by org; whose turn is next stands first. The next run goes on where this one ends. */
  private readonly walks = new Map<string, Walk>()

  constructor(private readonly db: Database, private readonly metrics: Metrics, private readonly log: Log, private readonly limits = { rows: BATCH_ROWS, batches: MAX_BATCHES }) {}

  async run(now = new Date()): Promise<void> {
    const today = new Date(Math.floor(now.getTime() / DAY_MS) * DAY_MS)
    for (const { name, month } of await listTracePartitions(this.db)) {
      if (month && month.to < today && await this.isUnwanted(this.db.query, month, today)) await this.dropPartition(name, month, today)
    }
    await this.plan(today)
    const endsAt = performance.now() + MAX_RUN_MS
    for (let batches = 0; batches < this.limits.batches && performance.now() < endsAt;) {
      const [next] = this.walks
      if (!next) return
      const outcome = await this.advance(...next)
      if (outcome === 'busy') return
      if (outcome !== 'empty') batches++
    }
  }

  /** One batch of a walk, which then stands last in the row. One that fails leaves it, for the others' sake, and is begun anew at the next run. */
  private async advance(orgId: string, walk: Walk): Promise<Outcome> {
    this.walks.delete(orgId)
    try {
      const { done, value } = await walk.batches.next()
      if (done) this.done.set(orgId, walk.work)
      else this.walks.set(orgId, walk)
      return value ?? 'empty'
    } catch (error) {
      if (isDatabaseGone(error)) throw error
      this.metrics.failures.inc({ what: 'retention' })
      this.log.error({ err: error, orgId }, 'What an organisation keeps no longer could not be taken away; it is tried again')
      return 'failed'
    }
  }

  /** Begins what is new to do, and ends what would take more than is wanted any more. What takes less, as after midnight, goes on, and the rest is the next walk's. */
  private async plan(today: Date): Promise<void> {
    const wanted = new Map((await this.findWork(today)).map(work => [work.orgId, work]))
    for (const [orgId, { work }] of this.walks) if (!isWithin(work, wanted.get(orgId))) this.walks.delete(orgId)
    for (const [orgId, work] of wanted) {
      if (!this.walks.has(orgId) && !isSame(work, this.done.get(orgId))) this.walks.set(orgId, { work, batches: this.walk(work) })
    }
  }

  private async findWork(today: Date): Promise<Work[]> {
    const rows = await this.db.query(`
      select id, settings->'retention'->>'tracesDays' as traces_days, settings->'retention'->>'bodiesDays' as bodies_days
        from orgs where settings ? 'retention'`)
    const before = (days: number | null) => days === null ? undefined : new Date(today.getTime() - days * DAY_MS)
    return rows.map(row => OrgRow.parse(row))
      .map(({ id, traces_days, bodies_days }) => ({ orgId: id, tracesBefore: before(traces_days), bodiesBefore: before(bodies_days) }))
  }

  /** From the oldest trace to the newest, each looked at once: what was taken in earlier batches, or on earlier days, is behind. */
  private async* walk({ orgId, tracesBefore, bodiesBefore }: Work): Walk['batches'] {
    const done = this.done.get(orgId)
    for (const partition of await listTracePartitions(this.db)) {
      for (const [what, statement, before, since] of [['traces', deleteTraces, tracesBefore, done?.tracesBefore], ['bodies', blankBodies, bodiesBefore, done?.bodiesBefore]] as const) {
        if (!before || (partition.month && (partition.month.from >= before || (since && partition.month.to <= since)))) continue
        let from = since?.toISOString() ?? '-infinity'
        for (let taken = this.limits.rows; taken === this.limits.rows;) {
          const batch = await this.takeBatch(partition, statement(partition), [orgId, before, from, this.limits.rows])
          if (batch) {
            taken = batch.count
            from = batch.reached ?? from
            this.metrics.expiredRows.inc({ what }, batch.count)
          }
          yield !batch ? 'busy' : taken > 0 ? 'taken' : 'empty'
        }
      }
    }
  }

  /** What one batch took; undefined when another replica is at it. */
  private async takeBatch({ name }: TracePartition, statement: string, parameters: readonly unknown[]): Promise<Batch | undefined> {
    return this.db.transaction(async (query) => {
      if (!await isAlone(query)) return undefined
      if (!await isThere(query, name)) return { count: 0, reached: null }
      const [row] = await query(statement, parameters)
      return Batch.parse(row)
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
    const done = await lockBriefly(this.db, async (query) => {
      if (!await isAlone(query) || !await isThere(query, name)) return false
      // The parent first, as an insert does; then nothing can come in between the look and the drop.
      await query('lock table only traces in access exclusive mode')
      if (!await this.isUnwanted(query, month, today)) return false
      await query(`drop table ${name}`)
      return true
    })
    if (!done) this.log.info({ partition: name }, 'A month of traces is in use; it is dropped at the next run')
    else if (done.result) this.log.info({ partition: name }, 'A month of traces that no organisation keeps was dropped')
  }
}

function isSame(one: Work, other: Work | undefined): boolean {
  return isWithin(one, other) && other !== undefined && isWithin(other, one)
}

/** Whether all that one takes away, the other does, too. */
function isWithin(one: Work, other: Work | undefined): boolean {
  const ends = (before: Date | undefined) => before?.getTime() ?? -Infinity
  return other !== undefined && ends(one.tracesBefore) <= ends(other.tracesBefore) && ends(one.bodiesBefore) <= ends(other.bodiesBefore)
}

async function isAlone(query: Query): Promise<boolean> {
  const [row] = await query(`select pg_try_advisory_xact_lock(hashtext('loom:retention')) as answer`)
  return Answer.parse(row).answer
}

/** Only who is alone drops a month, so that it stays until the transaction ends. */
async function isThere(query: Query, partition: string): Promise<boolean> {
  const [row] = await query('select to_regclass($1) is not null as answer', [partition])
  return Answer.parse(row).answer
}

const deleteTraces = ({ name }: TracePartition) => takeFrom(name, `delete from only ${name}`)

/** The one change that the trigger of traces lets pass. */
const blankBodies = ({ name }: TracePartition) =>
  takeFrom(name, `update only ${name} set request_body = null, request_iv = null, response_body = null, response_iv = null, encryption_key_version = null`, 'and encryption_key_version is not null')

/** The oldest of an org's traces ($1) before $2 and from $3 on, at most $4: how many were taken, and how far that was. In the order of an index, so that no row behind is looked at. */
function takeFrom(name: string, take: string, condition = ''): string {
  return `
    with due as materialized (
      select ctid, created_at from only ${name}
       where org_id = $1 and created_at < $2::timestamptz and created_at >= $3::timestamptz ${condition} order by created_at limit $4::int
    ), taken as (
      ${take} where ctid = any(array(select ctid from due)) returning 1
    ) select (select count(*) from taken) as count, (select max(created_at) from due) as reached`
}
