import { sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { usageHourly, usageHourlyTotals } from '../../db/schema'
import type { HourColumn } from './roll-up'
import { addUp } from './roll-up'

/**
 * What stands in for `usage_hourly` where an org's hours are read, or for `usage_hourly_totals`: under the table's name and with those of its columns that are asked
 * for, its rows and what the calls in `usage_pending` add up to. These are added up once a statement, however often it looks at them, and told apart by those columns alone.
 */
export function hoursOf(orgId: string, table: typeof usageHourly | typeof usageHourlyTotals, columns: readonly HourColumn[]): SQL {
  return sql`(
    with calls as (select * from usage_pending where org_id = ${orgId}), pending as materialized (${sql.raw(addUp('calls', columns))})
    select ${sql.raw(columns.join(', '))} from ${table} union all table pending
  ) as ${table}`
}
