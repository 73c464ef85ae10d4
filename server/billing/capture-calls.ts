import { z } from 'zod'
import { appendCalls } from '../analytics/roll-up'
import type { Database } from '../../db/client'
import type { BudgetParts } from './capture-in-budgets'
import { inBudgets, withoutBudgets } from './capture-in-budgets'
import type { FinishedCall } from './finished-call'
import { budgetsOf, callParameters, COLUMNS, INPUT, trace, use } from './finished-call'
import { bodyColumns, unpacked } from './packed-bodies'

/** The cost exceeded hold and funds by so much, nano-USD; they were captured as far as they reach. */
export interface Shortfall { shortBy: bigint }

/** `settled`: as asked. `gone`: the hold or lease was no longer there, or the call settled before. */
export type CaptureOutcome = 'settled' | Shortfall | 'gone'

/** Only what did not settle comes back; what is gone lacks nothing. */
const Row = z.object({ n: z.number(), short_by: z.coerce.bigint().nullable() }).transform(({ n, short_by: shortBy }): { n: number, outcome: CaptureOutcome } =>
  ({ n, outcome: shortBy === null ? 'gone' : { shortBy } }))

/**
 * Settles a whole batch of calls in one statement, so in one transaction: hold → captured or released, or a captured row drawn on
 * the lease; wallet, usage record, trace, its part in the totals of its hour. Idempotent by request id: a call that was settled before changes nothing, so a batch whose
 * fate is unknown may be sent again. Wallet rows are locked first, windows of budgets last, in the order that holding locks them.
 * A call's claim on an `Idempotency-Key` is settled with it: what was answered is kept, and what was not is free. One that lost its claim (its
 * process was thought dead, and another call took over) is charged nothing: that other one is.
 */
export async function captureCalls(db: Pick<Database, 'query'>, replicaId: string, calls: FinishedCall[]): Promise<CaptureOutcome[]> {
  const rows = await db.query(statementFor(calls), callParameters(replicaId, calls, true))
  const outcomes = new Map(rows.map(row => Row.parse(row)).map(row => [row.n, row.outcome]))
  return calls.map((_, n) => outcomes.get(n) ?? 'settled')
}

/** The least that does what the batch needs. */
function statementFor(calls: FinishedCall[]): string {
  const budgets = calls.some(budgetsOf) ? 'inBudgets' : 'withoutBudgets'
  return statements[budgets][calls.some(call => call.kept !== undefined) ? 'claimed' : 'unclaimed']
}

const nameOf = (column: string) => column.trim().split(' ')[0]

/** A call that lost its claim is charged nothing. Claims are locked before wallets, in the order of their calls' ids. */
const CLAIMED_INPUT = `
asked as materialized (
  select r.*, ${bodyColumns('request')}, ${bodyColumns('response')}, ${bodyColumns('kept')}
    from ${unpacked('$3')}
   cross join json_to_recordset($1::text::json) as r(${COLUMNS}, claimed boolean, kept_head jsonb, kept_at int, kept_size int, kept_key_version int)
), owned as materialized (
  select request_id from idempotency_keys where request_id = any(array(select id from asked where claimed)) and head is null order by request_id for update
), input as materialized (
  select ${COLUMNS.split(',').map(nameOf).filter(name => name !== 'charged' && name !== 'cost').join(', ')}, request_body, request_iv, response_body, response_iv,
         claimed, kept_head, kept_body, kept_iv, kept_key_version,
         a.charged and (claimed is not true or o.request_id is not null) as charged, case when claimed is not true or o.request_id is not null then cost else 0 end as cost
    from asked a left join owned o on o.request_id = a.id
)`

const KEEP = `, kept as (
  update idempotency_keys k
     set head = i.kept_head, answer = i.kept_body, answer_iv = i.kept_iv, encryption_key_version = i.kept_key_version
    from recorded i where i.kept_head is not null and k.request_id = i.id and k.request_id = any(array(select id from recorded where kept_head is not null))
), freed as (
  delete from idempotency_keys where head is null and request_id = any(array(select id from recorded where claimed and kept_head is null))
)`

const RECORD = `, used as (
  ${use('recorded')} on conflict (id) do nothing
), traced as (
  ${trace('recorded')} on conflict do nothing returning id
), counted as (
  ${appendCalls('recorded where id in (select id from traced)')}
)`

// Rows are found by their primary key, whatever the planner believes of a table that grew since it last looked: `= any(array)` leaves
// it no other sensible way. With `status = 'held'` to go by it would walk the partial index of held rows, where every call
// settled since the last vacuum has left a dead entry; what is held is what is not settled yet.
// The wallet is written as its lock found it (docs/decisions/2026-11-28-a-locked-row-is-written-as-it-was-locked.md).
// A call on a lease that is not charged moves no money: what was reserved for it is the lease's again, in the memory of its process.
const capture = (input: string, keep: string, { lock, judge, within, count }: BudgetParts) => `
with ${input}, locked as materialized (
  select org_id, mode, balance, held, balance - held as available from wallets
   where org_id = any(array(select org_id from input where hold_id is not null or lease_id is not null and charged)) order by org_id for update
), leased as materialized (
  select id, org_id, budget_windows from wallet_leases
   where id = any(array(select lease_id from input where charged)) and org_id in (select org_id from locked) order by id for update
), found as materialized (
  select id, org_id, status, held, budget_windows from transactions where id = any(array(select hold_id from input))
)${lock}, due as materialized (
  select i.n, i.id, i.hold_id, i.lease_id, i.org_id, i.api_key_id, i.created_at, i.charged, i.cost, l.balance, l.mode, l.available,
         coalesce(t.held, i.reserved) as held, greatest(i.cost - coalesce(t.held, i.reserved), 0) as excess
    from input i join locked l using (org_id)
    left join found t on t.id = i.hold_id and t.org_id = i.org_id
   where t.status = 'held' or i.charged and exists (select from leased where leased.id = i.lease_id and leased.org_id = i.org_id)
)${judge}, priced as materialized (
  select d.*, case when not charged then 0
                   when excess = 0 then cost
                   else held + least(excess, case when mode = 'unlimited' then excess else greatest(available + excess - sum(excess) over (partition by org_id order by excess, n), 0) end${within}) end::bigint as captured
    from due d
), running as materialized (
  select *, balance - sum(captured) over (partition by org_id order by n) as balance_after from priced
), settled as (
  update transactions t
     set status = case when r.charged then 'captured' else 'released' end, captured = r.captured, settled_at = now(), balance_after = r.balance_after
    from running r
   where t.id = r.hold_id and t.id = any(array(select hold_id from running)) and t.settled_at is null
  returning t.id, t.org_id, t.held as freed, t.captured
), drawn as (
  insert into transactions (id, org_id, ref_id, type, status, held, captured, balance_after, api_key_id, replica, created_at, settled_at, budget_windows)
  select r.id, r.org_id, r.id::text, 'charge', 'captured', r.held, r.captured, r.balance_after, r.api_key_id, $2::uuid, r.created_at, now(), l.budget_windows
    from running r join leased l on l.id = r.lease_id
  on conflict do nothing
  returning id, org_id, least(held, captured) as freed, captured
), done as materialized (
  select * from settled union all select * from drawn
)${count}, paid as (
  update wallets w set mode = l.mode, balance = l.balance - s.captured, held = l.held - s.freed, updated_at = now()
    from (select org_id, sum(captured)::bigint as captured, sum(freed)::bigint as freed from done group by org_id) s join locked l using (org_id)
   where w.org_id = s.org_id and w.org_id = any(array(select org_id from done))
), shrunk as (
  update wallet_leases l set amount = l.amount - s.freed, drawn = l.drawn + s.freed
    from (select i.lease_id, sum(d.freed)::bigint as freed from drawn d join input i using (id) group by i.lease_id) s
   where l.id = s.lease_id and l.id = any(array(select lease_id from input))
), recorded as materialized (
  select i.* from input i where coalesce(i.hold_id, case when charged then lease_id end) is null or coalesce(i.hold_id, i.id) in (select id from done)
)${RECORD}${keep}
select i.n, (i.cost - d.captured)::text as short_by
  from input i left join done d on d.id = coalesce(i.hold_id, i.id)
 where coalesce(i.hold_id, case when i.charged then i.lease_id end) is not null and (d.id is null or i.charged and d.captured < i.cost)`

/** Batches without claims or budgets need not pay for them. */
const statements = {
  withoutBudgets: { unclaimed: capture(INPUT, '', withoutBudgets), claimed: capture(CLAIMED_INPUT, KEEP, withoutBudgets) },
  inBudgets: { unclaimed: capture(INPUT, '', inBudgets), claimed: capture(CLAIMED_INPUT, KEEP, inBudgets) }
}
