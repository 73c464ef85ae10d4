import { z } from 'zod'
import type { Database } from '../../db/client'
import { WINDOWS_KEPT_MONTHS } from './forget-budget-windows'

const Fault = z.object({ org_id: z.string(), rule: z.string(), expected: z.coerce.string(), found: z.coerce.string() })
export type LedgerFault = z.infer<typeof Fault>

const Count = z.object({ count: z.coerce.number() })

/** As the setting is unless it is set. */
const REPLICA_TIMEOUT_MS = 20_000

/**
 * Proves the ledger: balance = Σ posted − Σ captured, held = Σ held + Σ leased, no prepaid wallet below zero or over-held, each call
 * with a usage record charged once, its cost or as much of that as its hold reached, no charge without such a record, no more of it given back than it took, the windows
 * of budgets hold and spent what their charges and leases do, those of purged orgs included (those of over a year ago may be gone), and nothing held by a process that is gone, but for what another that runs has yet to give back. One read, so one snapshot, however long
 * it takes, and nobody waits for it. An empty answer is the proof.
 * @param replicaTimeoutMs after which a process without a sign of life is gone; what it held should be given back within as long again
 */
export async function checkLedger(db: Pick<Database, 'transaction'>, replicaTimeoutMs = REPLICA_TIMEOUT_MS): Promise<LedgerFault[]> {
  const rows = await db.transaction(async (query) => {
    await query('set local statement_timeout = 0')
    return query(CHECK, [2 * replicaTimeoutMs, WINDOWS_KEPT_MONTHS])
  })
  return rows.map(row => Fault.parse(row))
}

/** How many holds and leases there are. In an exact ledger their processes live, or have died so lately that they may. */
export async function countHolds(db: Pick<Database, 'query'>): Promise<number> {
  const [row] = await db.query(`select (select count(*) from transactions where status = 'held') + (select count(*) from wallet_leases) as count`)
  return Count.parse(row).count
}

/** Charges by the call they are of: a late one stands under an id of its own. */
const CHECK = `
with charges as (
  select id, org_id, held, captured, case when ref_id like 'loom:late:%' then substr(ref_id, 11)::uuid else id end as call_id
    from transactions where type = 'charge' and status = 'captured'
), sums as (
  select org_id,
         coalesce(sum(amount) filter (where status = 'posted'), 0) - coalesce(sum(captured) filter (where status = 'captured'), 0) as balance,
         coalesce(sum(held) filter (where status = 'held'), 0) as held
    from transactions group by org_id
), counted as (
  select b.id, (array_agg(t.org_id))[1] as org_id, coalesce(sum(captured), 0) as spent, coalesce(sum(held) filter (where status = 'held'), 0) as held, max(created_at) as newest
    from (select org_id, budget_windows, status, captured, held, created_at from transactions union all select org_id, budget_windows, 'held', -drawn, amount + drawn, created_at from wallet_leases) t
   cross join lateral unnest(t.budget_windows) as b(id) group by b.id
), living as (
  select id from replicas where heartbeat_at > now() - make_interval(secs => $1::float8 / 1000)
), state as (
  select w.org_id, w.mode, w.balance, w.held, coalesce(s.balance, 0) as ledger_balance, coalesce(s.held, 0) + coalesce(l.leased, 0) as ledger_held
    from wallets w left join sums s using (org_id)
    left join (select org_id, sum(amount) as leased from wallet_leases group by org_id) l using (org_id)
)
select org_id, 'balance = posted - captured' as rule, ledger_balance::text as expected, balance::text as found from state where balance <> ledger_balance
union all
select org_id, 'held = sum of holds and leases', ledger_held::text, held::text from state where held <> ledger_held
union all
select org_id, '0 <= held <= balance', '0 <= held <= balance', held::text || ' of ' || balance::text from state
 where held < 0 or (mode = 'prepaid' and held > balance)
union all
select t.org_id, 'a ledger without wallet', 'a wallet', 'none' from transactions t where not exists (select from wallets w where w.org_id = t.org_id) group by t.org_id
union all
select c.org_id, 'a charge has its usage record: ' || c.id, c.captured::text, coalesce(u.cost::text, 'none')
  from charges c left join usage_records u on u.org_id = c.org_id and u.id = c.call_id where u.id is null or u.cost < c.captured
union all
select c.org_id, 'a charge takes the cost of its call, as far as its hold reaches: ' || c.id, least(u.cost, c.held)::text, c.captured::text
  from charges c join usage_records u on u.org_id = c.org_id and u.id = c.call_id where c.captured < least(u.cost, c.held)
union all
select org_id, 'a call is charged once: ' || call_id, '1 charge', count(*) || ' charges' from charges group by org_id, call_id having count(*) > 1
union all
select h.org_id, 'what is held is held by a process: ' || h.id, 'a process', case when exists (select from living) then 'none, nor one that gives it back' else 'none; start Loom, which gives it back, and check again' end
  from (select id, org_id, replica, created_at from transactions where status = 'held' union all select id, org_id, replica, created_at from wallet_leases) h
 where not exists (select from living r where r.id = h.replica)
   and (h.created_at < now() - make_interval(secs => $1::float8 / 1000) or not exists (select from living))
union all
select r.org_id, 'refunds <= what their charge captured: ' || r.charge_id, coalesce(max(c.captured), 0)::text, sum(r.amount)::text
  from transactions r left join transactions c on c.id = r.charge_id and c.org_id = r.org_id and c.type = 'charge' and c.status = 'captured'
 where r.charge_id is not null group by r.org_id, r.charge_id having sum(r.amount) > coalesce(max(c.captured), 0)
union all
select coalesce(w.org_id, w.subject_id), 'budget window = its charges: ' || w.id, coalesce(c.spent, 0) + w.purged || ' spent, ' || coalesce(c.held, 0) || ' held', w.spent || ' spent, ' || w.held || ' held'
  from budget_windows w left join counted c using (id) where w.spent <> coalesce(c.spent, 0) + w.purged or w.held <> coalesce(c.held, 0)
union all
select c.org_id, 'a charge counts in windows there are: ' || c.id, 'a window', 'none' from counted c where newest > now() - make_interval(months => $2::int) and not exists (select from budget_windows w where w.id = c.id)
union all
select u.org_id, 'a usage record has its charge: ' || u.id, u.cost::text, 'none'
  from usage_records u where not exists (select from charges c where c.org_id = u.org_id and c.call_id = u.id)`
