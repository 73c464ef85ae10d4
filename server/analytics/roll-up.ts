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

/**
 * SQL that adds the calls of `source` to their hours. `slot` tells rows of the same key apart: replicas that have different ones
 * never wait for each other. Rows are taken in the order of their key, so that those who share a slot wait and do not deadlock.
 */
export function addToHours(source: string, slot: string): string {
  return `insert into usage_hourly as u (${rowColumns}, slot)
  select rows.*, ${slot} from (${rowsOf(source)}) as rows
  on conflict (${keyColumns}, slot) do update set ${measureNames.map(name => `${name} = u.${name} + excluded.${name}`).join(', ')}`
}
