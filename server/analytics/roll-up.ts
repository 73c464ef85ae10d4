import { histogramOf } from './latency-histogram'

/** Stands for "none" in `usage_hourly`, whose key has no nulls. */
export const NONE = '00000000-0000-0000-0000-000000000000'

/** What a call is counted by, beside its org and hour: column of `usage_hourly` and its value of a call. */
const dimensions = {
  project_id: `coalesce(project_id, '${NONE}')`,
  api_key_id: `coalesce(api_key_id, '${NONE}')`,
  user_id: `coalesce(user_id, '${NONE}')`,
  provider: 'provider',
  // What reached no provider names a model that need not exist: callers must not make rows by making up names.
  model: `case when provider = 'none' then '' else model end`,
  status_code: 'status_code'
}

/** What is counted, each a sum: column of `usage_hourly` and its value of a group of calls. */
const measures = {
  requests: 'count(*)',
  charges: 'count(*) filter (where charged)',
  cache_hits: `count(*) filter (where cache = 'hit')`,
  input_tokens: 'sum(input_tokens)',
  output_tokens: 'sum(output_tokens)',
  cached_input_tokens: 'sum(cached_input_tokens)',
  reasoning_tokens: 'sum(reasoning_tokens)',
  cost: 'sum(cost)',
  latency_ms: 'coalesce(sum(latency_ms), 0)',
  ttfb_ms: 'coalesce(sum(ttfb_ms), 0)',
  overhead_us: 'coalesce(sum(round(gateway_overhead_ms::numeric * 1000)), 0)',
  latency_histogram: histogramOf('latency_ms'),
  ttfb_histogram: histogramOf('ttfb_ms'),
  overhead_histogram: histogramOf('gateway_overhead_ms')
}

const key = ['org_id', 'hour', ...Object.keys(dimensions)]
export const measureNames = Object.keys(measures)
/** The columns of a row, but for its slot. */
export const rowColumns = [...key, ...measureNames].join(', ')
export const keyColumns = key.join(', ')

const places = key.map((_, index) => index + 1).join(', ')

/**
 * SQL for the rows of `usage_hourly` (`rowColumns`) that the calls of `source` add up to, in the order of their key. `source` has a trace's columns,
 * and `charged`: whether the call has a usage record. The one place that says how calls are counted: capturing and rebuilding share it.
 */
export function rowsOf(source: string): string {
  const values = Object.entries({ org_id: 'org_id', hour: `date_trunc('hour', created_at, 'UTC')`, ...dimensions, ...measures })
  return `select ${values.map(([name, value]) => `${value} as ${name}`).join(', ')} from ${source} group by ${places} order by ${places}`
}

/** What an org's own hours add up: all that its rows do, and how many of its calls failed. */
export const totalMeasureNames = ['failed', ...measureNames]
/** SQL for the rows of `usage_hourly_totals` that rows of `usage_hourly` add up to, in the order of their key. */
export function totalsOf(rows: string): string {
  const sums = measureNames.map(name => `sum(${name}) as ${name}`).join(', ')
  return `select org_id, hour, coalesce(sum(requests) filter (where status_code >= 400), 0) as failed, ${sums} from ${rows} group by 1, 2 order by 1, 2`
}

/**
 * SQL, as parts of a `with`, that adds the calls of `source` to their hours, and to those of their orgs. `slot` tells rows of the same key apart: replicas that
 * have different ones never wait for each other. Rows are taken in the order of their key, so that those who share a slot wait and do not deadlock.
 */
export function addToHours(source: string, slot: string): string {
  const add = (names: readonly string[]) => names.map(name => `${name} = u.${name} + excluded.${name}`).join(', ')
  return `counted as materialized (
  ${rowsOf(source)}
), rolled as (
  insert into usage_hourly as u (${rowColumns}, slot) select counted.*, ${slot} from counted
  on conflict (${keyColumns}, slot) do update set ${add(measureNames)}
), totalled as (
  insert into usage_hourly_totals as u (org_id, hour, ${totalMeasureNames.join(', ')}, slot) select totals.*, ${slot} from (${totalsOf('counted')}) as totals
  on conflict (org_id, hour, slot) do update set ${add(totalMeasureNames)}
)`
}
