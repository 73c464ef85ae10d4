import { sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { usageHourly } from '../../db/schema'
import type { usageHourlyTotals } from '../../db/schema'
import { rowColumns, rowsOf, totalColumns, totalsOf } from './roll-up'

/**
 * What stands in for `usage_hourly` where an org's hours are read, or for `usage_hourly_totals`: under the table's name and with its columns but for `slot`,
 * its rows and those that the calls in `usage_pending` add up to. These are added up once a statement, however often it looks at them.
 */
export function hoursOf(orgId: string, table: typeof usageHourly | typeof usageHourlyTotals = usageHourly): SQL {
  const [columns, added] = table === usageHourly ? [rowColumns, 'table pending'] : [totalColumns, totalsOf('pending')]
  return sql`(
    with calls as (select * from usage_pending where org_id = ${orgId}), pending as materialized (${sql.raw(rowsOf('calls'))})
    select ${sql.raw(columns)} from ${table} union all (${sql.raw(added)})
  ) as ${table}`
}
