import type { Database } from '../../db/client'

/** How long what was told, and each delivery of it, can be looked up. */
export const ALERT_LOG_DAYS = 90
/** An event whose occasion may last (a budget in total, an empty wallet) also keeps it from being told twice: it stays this long, then it is told anew. */
export const LASTING_ALERT_DAYS = 400
/** Rows a statement: short enough to hold up nobody. */
const BATCH_ROWS = 500

/**
 * Deletes alerts that are old enough, with their deliveries, in small batches; none that is still on its way. May run on every replica.
 * @returns how many events were deleted
 */
export async function forgetAlerts(db: Pick<Database, 'query'>, now = new Date()): Promise<number> {
  let forgotten = 0
  for (let batch = BATCH_ROWS; batch === BATCH_ROWS;) {
    const rows = await db.query(FORGET, [now, ALERT_LOG_DAYS, LASTING_ALERT_DAYS, BATCH_ROWS])
    batch = rows.length
    forgotten += batch
  }
  return forgotten
}

// Hours of failures and open circuits do not come again, and a deleted rule tells nothing more.
const FORGET = `
delete from alert_events where id = any(array(
  select e.id from alert_events e
   where e.created_at < $1::timestamptz - make_interval(days => case when e.rule_id is null or e.kind in ('errors', 'circuit', 'test') then $2::int else $3::int end)
     and not exists (select from alert_deliveries d where d.event_id = e.id and d.status = 'pending')
   limit $4::int for update skip locked
)) returning id`
