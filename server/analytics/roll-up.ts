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

/** SQL for a sum of whole numbers, of the type that it is kept as. */
const sum = (values: string) => `coalesce(sum(${values}), 0)::bigint`

/** What is counted, each a sum: column of `usage_hourly` and its value of a group of calls. */
const measures = {
  requests: 'count(*)',
  charges: 'count(*) filter (where charged)',
  cache_hits: `count(*) filter (where cache = 'hit')`,
  input_tokens: sum('input_tokens'),
  output_tokens: sum('output_tokens'),
  cached_input_tokens: sum('cached_input_tokens'),
  reasoning_tokens: sum('reasoning_tokens'),
  cost: sum('cost'),
  latency_ms: sum('latency_ms'),
  ttfb_ms: sum('ttfb_ms'),
  overhead_us: sum('round(gateway_overhead_ms::numeric * 1000)'),
  latency_histogram: histogramOf('latency_ms'),
  ttfb_histogram: histogramOf('ttfb_ms'),
  overhead_histogram: histogramOf('gateway_overhead_ms')
}

/** What a group of calls has of each column, its key's or one that is counted. Hours are UTC's, whose beginnings are a whole number of hours apart. */
const values = {
  org_id: 'org_id', hour: `date_bin('1 hour', created_at, '2000-01-01 00:00:00+00')`, ...dimensions,
  failed: 'count(*) filter (where status_code >= 400)', ...measures
}
export type HourColumn = keyof typeof values
const isKey = (column: string) => column === 'org_id' || column === 'hour' || column in dimensions

const key = ['org_id', 'hour', ...namesOf(dimensions)] as const
export const measureNames = namesOf(measures)
/** The columns of a row, but for its slot. */
export const rowColumns = [...key, ...measureNames].join(', ')
export const keyColumns = key.join(', ')

function namesOf<Name extends string>(record: Record<Name, string>): Name[] {
  return Object.keys(record).filter((name): name is Name => name in record)
}

/**
 * SQL that adds the calls of `source` up to `columns`, a row for each value of those of the key. `source` has the columns of
 * `usage_pending`. The one place that says how calls are counted: reading, merging and rebuilding share it.
 */
export function addUp(source: string, columns: readonly HourColumn[]): string {
  const grouped = columns.flatMap((column, index) => isKey(column) ? [index + 1] : [])
  return `select ${columns.map(column => `${values[column]} as ${column}`).join(', ')} from ${source} group by ${grouped.join(', ')}`
}

/** The same for the rows of `usage_hourly` (`rowColumns`), in the order of their key. */
export function rowsOf(source: string): string {
  return `${addUp(source, [...key, ...measureNames])} order by ${key.map((_, index) => index + 1).join(', ')}`
}

/** What an org's own hours add up: all that its rows do, and how many of its calls failed. */
export const totalMeasureNames = ['failed', ...measureNames]
export const totalColumns = ['org_id', 'hour', ...totalMeasureNames].join(', ')
const isHistogram = (name: string) => name.endsWith('_histogram')
const totalled = measureNames.map(name => `${isHistogram(name) ? `sum(${name})` : sum(name)} as ${name}`).join(', ')

/** SQL for the rows of `usage_hourly_totals` (`totalColumns`) that rows of `usage_hourly` add up to, in the order of their key. */
export function totalsOf(rows: string): string {
  return `select org_id, hour, coalesce(sum(requests) filter (where status_code >= 400), 0)::bigint as failed, ${totalled} from ${rows} group by 1, 2 order by 1, 2`
}

/** What is known of a call until it is part of its hour. */
const callColumns = `org_id, created_at, project_id, api_key_id, user_id, provider, model, status_code, charged, cache, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, cost,
    latency_ms, ttfb_ms, gateway_overhead_ms`

/** SQL that appends the calls of `source` to those that are to be counted, as the statement that captures them must. */
export function appendCalls(source: string): string {
  return `insert into usage_pending (${callColumns}) select ${callColumns} from ${source}`
}

/** SQL, as parts of a `with`, that adds the calls of `source` to their hours, and to those of their orgs. Rows are taken in the order of their key. */
export function addToHours(source: string): string {
  const add = (names: readonly string[]) => names.map(name => `${name} = u.${name} + excluded.${name}`).join(', ')
  return `counted as materialized (
  ${rowsOf(source)}
), rolled as (
  insert into usage_hourly as u (${rowColumns}, slot) select counted.*, 0 from counted
  on conflict (${keyColumns}, slot) do update set ${add(measureNames)}
), totalled as (
  insert into usage_hourly_totals as u (${totalColumns}, slot) select totals.*, 0 from (${totalsOf('counted')}) as totals
  on conflict (org_id, hour, slot) do update set ${add(totalMeasureNames)}
)`
}
