import { z } from 'zod'
import type { Database } from '../../db/client'

const Fault = z.object({ org_id: z.string(), rule: z.string(), expected: z.coerce.string(), found: z.coerce.string() })
export type LedgerFault = z.infer<typeof Fault>

/**
 * Proves the ledger: balance = Σ posted − Σ captured, held = Σ held + Σ leased, no prepaid wallet below zero or over-held, and
 * each captured charge has exactly the usage record of its cost, and no more of it was given back than it took, and the windows
 * of budgets hold and spent what their charges do, those of purged orgs included. One read, so one snapshot. An empty answer is the proof.
 */
export async function checkLedger(db: Pick<Database, 'query'>): Promise<LedgerFault[]> {
  return (await db.query(CHECK)).map(row => Fault.parse(row))
}

const CHECK = `
with sums as (
  select org_id,
         coalesce(sum(amount) filter (where status = 'posted'), 0) - coalesce(sum(captured) filter (where status = 'captured'), 0) as balance,
         coalesce(sum(held) filter (where status = 'held'), 0) as held
    from transactions group by org_id
), counted as (
  select b.id, (array_agg(t.org_id))[1] as org_id, coalesce(sum(captured) filter (where status = 'captured'), 0) as spent, coalesce(sum(held) filter (where status = 'held'), 0) as held
    from transactions t cross join lateral unnest(t.budget_windows) as b(id) group by b.id
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
select t.org_id, 'a charge has its usage record: ' || t.id, t.captured::text, coalesce(u.cost::text, 'none')
  from transactions t left join usage_records u on u.org_id = t.org_id and u.id = case when t.ref_id like 'loom:late:%' then substr(t.ref_id, 11)::uuid else t.id end
 where t.type = 'charge' and t.status = 'captured' and (u.id is null or u.cost < t.captured)
union all
select r.org_id, 'refunds <= what their charge captured: ' || r.charge_id, coalesce(max(c.captured), 0)::text, sum(r.amount)::text
  from transactions r left join transactions c on c.id = r.charge_id and c.org_id = r.org_id and c.type = 'charge' and c.status = 'captured'
 where r.charge_id is not null group by r.org_id, r.charge_id having sum(r.amount) > coalesce(max(c.captured), 0)
union all
select coalesce(w.org_id, w.subject_id), 'budget window = its charges: ' || w.id, coalesce(c.spent, 0) + w.purged || ' spent, ' || coalesce(c.held, 0) || ' held', w.spent || ' spent, ' || w.held || ' held'
  from budget_windows w left join counted c using (id) where w.spent <> coalesce(c.spent, 0) + w.purged or w.held <> coalesce(c.held, 0)
union all
select c.org_id, 'a charge counts in windows there are: ' || c.id, 'a window', 'none' from counted c where not exists (select from budget_windows w where w.id = c.id)
union all
select u.org_id, 'a usage record has its charge: ' || u.id, u.cost::text, 'none'
  from usage_records u
 where not exists (select from transactions t where t.org_id = u.org_id and t.status = 'captured' and (t.id = u.id or t.ref_id = 'loom:late:' || u.id))`
