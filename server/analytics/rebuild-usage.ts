import { z } from 'zod'
import type { Database, Query } from '../../db/client'
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
const Comparison = z.object({ is_equal: z.boolean() })
const DayState = z.object({ is_whole: z.boolean(), is_equal: z.boolean() })
const DAY_MS = 86_400_000

/**
 * Makes `usage_hourly`, with what is pending, what usage records and traces add up to, and `usage_hourly_totals` what that adds up to, day by day (UTC), and proves it. A day whose traces retention has taken, in whole or in
 * part, is held against its usage records alone: while charges, tokens and cost agree, its latencies and failures are kept, for nothing else knows them.
 * Calls under way wait for the one day being compared. May run anytime, beside any number of replicas.
 * @param repair false: only compare
 */
export async function rebuildUsage(db: Pick<Database, 'query' | 'transaction'>, { repair = true } = {}): Promise<RebuildReport> {
  const report: RebuildReport = { days: 0, rebuilt: 0, unequal: [] }
  for (const row of await db.query(SPANS)) {
    const { org_id: orgId, first, last } = OrgSpan.parse(row)
    for (let day = new Date(first); day <= new Date(last); day = new Date(day.getTime() + DAY_MS)) {
      const { wasEqual, isEqual } = await db.transaction(query => rebuildDay(query, orgId, day, repair))
      report.days++
      if (!wasEqual && isEqual) report.rebuilt++
      if (!isEqual) report.unequal.push({ orgId, day: day.toISOString().slice(0, 10) })
    }
  }
  return report
}

async function rebuildDay(query: Query, orgId: string, day: Date, repair: boolean): Promise<{ wasEqual: boolean, isEqual: boolean }> {
  // Captures write to the first, merging to all in this order; they wait, so that no call is counted here and added there.
  if (repair) await query('lock table usage_pending, usage_hourly, usage_hourly_totals in share row exclusive mode')
  const before = { rows: await compareRows(query, orgId, day), totals: await compareTotals(query, orgId, day) }
  const wasEqual = before.rows && before.totals
  if (wasEqual || !repair) return { wasEqual, isEqual: wasEqual }
  if (!before.rows) {
    await query(`delete from usage_pending h where ${inDay('h')}`, [orgId, day])
    await query(`delete from usage_hourly h where ${inDay('h', 'hour')}`, [orgId, day])
    await query(`insert into usage_hourly (${rowColumns}, slot) select rows.*, 0 from (${rowsOf(CALLS)}) as rows`, [orgId, day])
  }
  await query(`delete from usage_hourly_totals h where ${inDay('h', 'hour')}`, [orgId, day])
  await query(`insert into usage_hourly_totals (${totalColumns}, slot) select totals.*, 0 from (${totalsOf(DAY)}) as totals`, [orgId, day])
  return { wasEqual: false, isEqual: await compareRows(query, orgId, day) && await compareTotals(query, orgId, day) }
}

async function compareTotals(query: Query, orgId: string, day: Date): Promise<boolean> {
  const [state] = await query(COMPARE_TOTALS, [orgId, day])
  return Comparison.parse(state).is_equal
}

async function compareRows(query: Query, orgId: string, day: Date): Promise<boolean> {
  const [state] = await query(COMPARE, [orgId, day])
  const { is_whole: isWhole, is_equal: isEqual } = DayState.parse(state)
  if (isEqual || isWhole) return isEqual
  const [charged] = await query(COMPARE_CHARGED, [orgId, day])
  return Comparison.parse(charged).is_equal
}

/** The days each org has anything of. */
const SPANS = `
select org_id, date_trunc('day', min(first), 'UTC') as first, max(last) as last from (
  select org_id, min(hour) as first, max(hour) as last from usage_hourly group by org_id
  union all select org_id, min(created_at), max(created_at) from usage_pending group by org_id
  union all select org_id, min(created_at), max(created_at) from usage_records group by org_id
  union all select org_id, min(created_at), max(created_at) from traces group by org_id
) as s where org_id in (select id from orgs) group by org_id order by org_id`

const inDay = (name: string, column = 'created_at') => `${name}.org_id = $1 and ${name}.${column} >= $2::timestamptz and ${name}.${column} < $2::timestamptz + interval '24 hours'`

/** The calls of a day: those traced, and those of which only the usage record is left. */
const CALLS = `(
  select t.org_id, t.created_at, t.project_id, t.api_key_id, t.user_id, t.provider, t.model, t.status_code, t.cache, t.input_tokens, t.output_tokens, t.cached_input_tokens,
         t.reasoning_tokens, t.cost, t.latency_ms, t.ttfb_ms, t.gateway_overhead_ms, exists (select from usage_records r where r.id = t.id) as charged
    from traces t where ${inDay('t')}
  union all
  select r.org_id, r.created_at, r.project_id, r.api_key_id, r.user_id, r.provider, r.model, 200, 'none', r.input_tokens, r.output_tokens, r.cached_input_tokens,
         r.reasoning_tokens, r.cost, null, null, null, true
    from usage_records r where ${inDay('r')} and not exists (select from traces t where t.id = r.id and t.created_at = r.created_at)
) as calls`

/** The hours of a day as readers see them. */
const HOURS = `(select ${rowColumns} from usage_hourly h where ${inDay('h', 'hour')} union all (${rowsOf(`usage_pending h where ${inDay('h')}`)})) as hours`
const STORED = `select ${keyColumns}, ${measureNames.map(name => `sum(${name})`).join(', ')} from ${HOURS} group by ${keyColumns}`

const differ = (expected: string, stored: string) => `not exists ((${expected}) except (${stored})) and not exists ((${stored}) except (${expected}))`

const COMPARE = `
with expected as materialized (${rowsOf(CALLS)}), stored as materialized (${STORED})
select ${differ('table expected', 'table stored')} as is_equal,
       exists (select from traces t where ${inDay('t')})
         and not exists (select from usage_records r where ${inDay('r')} and not exists (select from traces t where t.id = r.id and t.created_at = r.created_at)) as is_whole`

const DAY = `(select * from usage_hourly h where ${inDay('h', 'hour')}) as h`

const COMPARE_TOTALS = `
with expected as materialized (${totalsOf(DAY)}), stored as materialized (
  select org_id, hour, ${totalMeasureNames.map(name => `sum(${name})`).join(', ')} from usage_hourly_totals h where ${inDay('h', 'hour')} group by 1, 2
)
select ${differ('table expected', 'table stored')} as is_equal`

const chargedColumns = 'sum(charges), sum(input_tokens), sum(output_tokens), sum(cached_input_tokens), sum(reasoning_tokens), sum(cost)'
const chargedKey = 'hour, project_id, api_key_id, user_id, provider, model'

/** Without free answers from the cache, whose tokens no usage record knows. */
const COMPARE_CHARGED = `
with records as materialized (${rowsOf(`(select r.*, 200 as status_code, 'none' as cache, null::int as latency_ms, null::int as ttfb_ms, null::real as gateway_overhead_ms, true as charged from usage_records r where ${inDay('r')}) as records`)}
), expected as materialized (
  select ${chargedKey}, ${chargedColumns} from records group by ${chargedKey}
), stored as materialized (
  select ${chargedKey}, ${chargedColumns} from ${HOURS} where charges = requests group by ${chargedKey}
)
select ${differ('table expected', 'table stored')} as is_equal`
