import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Database, Query } from '../../db/client'
import { lockBriefly } from '../../db/lock-briefly'
import { keyColumns, measureNames, rowColumns, rowsOf, totalColumns, totalMeasureNames, totalsOf } from './roll-up'

export interface RebuildReport {
  /** Days of an org that were compared, a day counted once for each org. */
  days: number
  /** Those whose hours were not what its calls add up to, and were written anew. */
  rebuilt: number
  /** Those still not equal. An empty list is the proof. */
  unequal: { orgId: string, day: string }[]
}

const OrgSpan = z.object({ org_id: z.string(), first: z.string(), last: z.string() })
const Equality = z.object({ is_equal: z.boolean() })
const SpanState = z.object({ is_whole: z.boolean(), is_equal: z.boolean() })
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const RETRY_PAUSE_MS = 1_000

/** An org's calls from `from` on, before `to`. */
interface Span { orgId: string, from: Date, to: Date }

/**
 * Makes `usage_hourly`, with what is pending, what usage records and traces add up to, and `usage_hourly_totals` what that adds up to, day by day (UTC), and proves it. A day whose traces retention has taken, in whole or in
 * part, is held against its usage records alone: while charges, tokens and cost agree, its latencies and failures are kept, for nothing else knows them.
 * Nobody waits while it compares; while an hour is written anew, calls under way do. May run anytime, beside any number of replicas.
 * @param repair false: only compare
 */
export async function rebuildUsage(db: Pick<Database, 'transaction'>, { repair = true } = {}): Promise<RebuildReport> {
  const report: RebuildReport = { days: 0, rebuilt: 0, unequal: [] }
  for (const row of await unhurried(db, query => query(SPANS))) {
    const { org_id: orgId, first, last } = OrgSpan.parse(row)
    for (let day = new Date(first); day <= new Date(last); day = new Date(day.getTime() + DAY_MS)) {
      const span = { orgId, from: day, to: new Date(day.getTime() + DAY_MS) }
      const before = await compare(db, span)
      report.days++
      if (before.isEqual) continue
      if (repair) await rewrite(db, span, before)
      if (repair && (await compare(db, span)).isEqual) report.rebuilt++
      else report.unequal.push({ orgId, day: day.toISOString().slice(0, 10) })
    }
  }
  return report
}

/** The totals may differ from hours that are what their calls add up to. */
interface Comparison { isEqual: boolean, hoursAreEqual: boolean }

/** Each of its statements sees captures and merges whole or not at all, so that none need be kept out. */
function compare(db: Pick<Database, 'transaction'>, span: Span): Promise<Comparison> {
  return unhurried(db, async (query) => {
    const hoursAreEqual = await compareHours(query, span)
    const [totals] = await query(COMPARE_TOTALS, bounds(span))
    return { hoursAreEqual, isEqual: hoursAreEqual && Equality.parse(totals).is_equal }
  })
}

async function compareHours(query: Query, span: Span): Promise<boolean> {
  const [state] = await query(COMPARE, bounds(span))
  const { is_whole: isWhole, is_equal: isEqual } = SpanState.parse(state)
  if (isEqual || isWhole) return isEqual
  const [charged] = await query(COMPARE_CHARGED, bounds(span))
  return Equality.parse(charged).is_equal
}

/** Hour by hour, for no call to wait longer than that takes. */
async function rewrite(db: Pick<Database, 'transaction'>, { orgId, from, to }: Span, { hoursAreEqual }: Comparison): Promise<void> {
  for (let hour = from; hour < to; hour = new Date(hour.getTime() + HOUR_MS)) {
    const parameters = bounds({ orgId, from: hour, to: new Date(hour.getTime() + HOUR_MS) })
    const rewriteHour = async (query: Query) => {
      // Captures write to the first, merging to all in this order; they wait, so that no call is counted here and added there.
      await query('lock table usage_pending, usage_hourly, usage_hourly_totals in share row exclusive mode')
      if (!hoursAreEqual) {
        await query(`delete from usage_pending h where ${within('h')}`, parameters)
        await query(`delete from usage_hourly h where ${within('h', 'hour')}`, parameters)
        await query(`insert into usage_hourly (${rowColumns}, slot) select rows.*, 0 from (${rowsOf(CALLS)}) as rows`, parameters)
      }
      await query(`delete from usage_hourly_totals h where ${within('h', 'hour')}`, parameters)
      await query(`insert into usage_hourly_totals (${totalColumns}, slot) select totals.*, 0 from (${totalsOf(STORED_HOURS)}) as totals`, parameters)
    }
    while (!await lockBriefly(db, rewriteHour)) await sleep(RETRY_PAUSE_MS)
  }
}

/** For reads of all that there is, which hold up nobody. */
function unhurried<Result>(db: Pick<Database, 'transaction'>, read: (query: Query) => Promise<Result>): Promise<Result> {
  return db.transaction(async (query) => {
    await query('set local statement_timeout = 0')
    return read(query)
  })
}

const bounds = ({ orgId, from, to }: Span) => [orgId, from, to]

/** The days each org has anything of. */
const SPANS = `
select org_id, date_trunc('day', min(first), 'UTC') as first, max(last) as last from (
  select org_id, min(hour) as first, max(hour) as last from usage_hourly group by org_id
  union all select org_id, min(created_at), max(created_at) from usage_pending group by org_id
  union all select org_id, min(created_at), max(created_at) from usage_records group by org_id
  union all select org_id, min(created_at), max(created_at) from traces group by org_id
) as s where org_id in (select id from orgs) group by org_id order by org_id`

const within = (name: string, column = 'created_at') => `${name}.org_id = $1 and ${name}.${column} >= $2::timestamptz and ${name}.${column} < $3::timestamptz`

/** The calls of a span: those traced, and those of which only the usage record is left. */
const CALLS = `(
  select t.org_id, t.created_at, t.project_id, t.api_key_id, t.user_id, t.provider, t.model, t.status_code, t.cache, t.input_tokens, t.output_tokens, t.cached_input_tokens,
         t.reasoning_tokens, t.cost, t.latency_ms, t.ttfb_ms, t.gateway_overhead_ms, exists (select from usage_records r where r.id = t.id) as charged
    from traces t where ${within('t')}
  union all
  select r.org_id, r.created_at, r.project_id, r.api_key_id, r.user_id, r.provider, r.model, 200, 'none', r.input_tokens, r.output_tokens, r.cached_input_tokens,
         r.reasoning_tokens, r.cost, null, null, null, true
    from usage_records r where ${within('r')} and not exists (select from traces t where t.id = r.id and t.created_at = r.created_at)
) as calls`

/** The hours of a span as readers see them. */
const HOURS = `(select ${rowColumns} from usage_hourly h where ${within('h', 'hour')} union all (${rowsOf(`usage_pending h where ${within('h')}`)})) as hours`
const STORED = `select ${keyColumns}, ${measureNames.map(name => `sum(${name})`).join(', ')} from ${HOURS} group by ${keyColumns}`

const differ = (expected: string, stored: string) => `not exists ((${expected}) except (${stored})) and not exists ((${stored}) except (${expected}))`

const COMPARE = `
with expected as materialized (${rowsOf(CALLS)}), stored as materialized (${STORED})
select ${differ('table expected', 'table stored')} as is_equal,
       exists (select from traces t where ${within('t')})
         and not exists (select from usage_records r where ${within('r')} and not exists (select from traces t where t.id = r.id and t.created_at = r.created_at)) as is_whole`

const STORED_HOURS = `(select * from usage_hourly h where ${within('h', 'hour')}) as h`

const COMPARE_TOTALS = `
with expected as materialized (${totalsOf(STORED_HOURS)}), stored as materialized (
  select org_id, hour, ${totalMeasureNames.map(name => `sum(${name})`).join(', ')} from usage_hourly_totals h where ${within('h', 'hour')} group by 1, 2
)
select ${differ('table expected', 'table stored')} as is_equal`

const chargedColumns = 'sum(charges), sum(input_tokens), sum(output_tokens), sum(cached_input_tokens), sum(reasoning_tokens), sum(cost)'
const chargedKey = 'hour, project_id, api_key_id, user_id, provider, model'

/** Without free answers from the cache, whose tokens no usage record knows. */
const COMPARE_CHARGED = `
with records as materialized (${rowsOf(`(select r.*, 200 as status_code, 'none' as cache, null::int as latency_ms, null::int as ttfb_ms, null::real as gateway_overhead_ms, true as charged from usage_records r where ${within('r')}) as records`)}
), expected as materialized (
  select ${chargedKey}, ${chargedColumns} from records group by ${chargedKey}
), stored as materialized (
  select ${chargedKey}, ${chargedColumns} from ${HOURS} where charges = requests group by ${chargedKey}
)
select ${differ('table expected', 'table stored')} as is_equal`
