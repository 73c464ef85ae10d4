import { z } from 'zod'
import type { Database } from '../../db/client'

const Count = z.object({ settled: z.coerce.number() })

/** Holds and leases this process took and has not settled yet, by id. */
interface OwnHolds { replicaId: string, open: ReadonlySet<string> }

/**
 * Gives back holds and leases nobody will settle: those of processes that are gone (no heartbeat for `replicaTimeoutMs`), and our
 * own that we do not know of, for the connection broke between their commit and the news of it. Nothing answered is
 * among them, for an answer is captured before it is given out. One statement; wallets, then windows of budgets, are locked in the road's order.
 * @returns how many holds and leases were settled
 */
export async function settleAbandonedHolds(db: Pick<Database, 'query'>, replicaTimeoutMs: number, own: OwnHolds): Promise<number> {
  const [row] = await db.query(SETTLE, [replicaTimeoutMs, own.replicaId, [...own.open]])
  return Count.parse(row).settled
}

const SETTLE = `
with abandoned as materialized (
  select h.id, h.org_id
    from (select id, org_id, replica, created_at from transactions where status = 'held' union all select id, org_id, replica, created_at from wallet_leases) h
   where h.replica = $2::uuid and h.created_at < now() - make_interval(secs => $1::float8 / 1000) and not h.id = any($3::uuid[])
      or h.replica is distinct from $2::uuid
         and not exists (select from replicas r where r.id = h.replica and r.heartbeat_at > now() - make_interval(secs => $1::float8 / 1000))
), locked as materialized (
  select org_id from wallets where org_id in (select org_id from abandoned) order by org_id for update
), settled as (
  update transactions t set status = 'expired', settled_at = now()
    from abandoned a join locked using (org_id)
   where t.id = a.id and t.status = 'held'
  returning t.id, t.org_id, t.held, 0 as drawn, t.budget_windows
), closed as (
  delete from wallet_leases l using abandoned a join locked using (org_id) where l.id = a.id
  returning l.id, l.org_id, l.amount, l.drawn, l.budget_windows
), freed as materialized (
  select * from settled union all select * from closed
), windows as materialized (
  select id from budget_windows where id in (select unnest(budget_windows) from freed) order by id for update
), counted as (
  update budget_windows b set spent = b.spent + s.drawn, held = b.held - s.held - s.drawn
    from (select w.id, sum(held)::bigint as held, sum(drawn)::bigint as drawn from freed cross join lateral unnest(budget_windows) as w(id) group by w.id) s
   where b.id = s.id and b.id in (select id from windows)
), returned as (
  update wallets w set held = w.held - s.held, updated_at = now()
    from (select org_id, sum(held)::bigint as held from freed group by org_id) s
   where w.org_id = s.org_id
)
select count(*) as settled from freed`
