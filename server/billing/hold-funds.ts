import { z } from 'zod'
import type { Database } from '../../db/client'
import { MAX_BALANCE } from './max-balance'

/** A budget as one call meets it: its present window, and what may be spent in it, nano-USD. */
export interface BudgetShare {
  windowId: string
  limit: bigint
}

export interface HoldRequest {
  /** The request id; the transaction's id too. */
  id: string
  orgId: string
  refId: string
  apiKeyId: string | null
  /** The most the call may cost, nano-USD. */
  amount: bigint
  /** The budgets it counts in; undefined where it has none, which costs nothing. */
  budgets?: readonly BudgetShare[] | undefined
}

/**
 * `insufficient`: what the wallet had before this batch; `over_budget`: the window with the least left, and how much that is. `amount` may fit
 * all the same: smaller calls of the batch were before it, held or refused, so that it may be asked again. `no_window`: a window has no row
 * yet (`openWindows` makes it); `no_wallet`: the org was purged since the call came.
 */
export type HoldResult
  = | { outcome: 'held' }
    | { outcome: 'insufficient', available: bigint }
    | { outcome: 'ref_taken' }
    | { outcome: 'over_budget', windowId: string, available: bigint }
    | { outcome: 'no_window' }
    | { outcome: 'no_wallet' }

const Row = z.object({
  n: z.number(),
  outcome: z.enum(['held', 'insufficient', 'ref_taken', 'over_budget', 'no_window']),
  available: z.coerce.bigint(),
  window_id: z.string().nullish(),
  budget_left: z.coerce.bigint().nullish()
})

/**
 * Reserves money for a whole batch of calls in one statement, durably. Wallet rows are locked in order of their ids, then windows
 * of budgets in order of theirs (so that batches never deadlock), then the smallest holds go first as long as funds and
 * budgets reach: neither a prepaid wallet nor a budget is ever exceeded, whatever the number of replicas. A ref that is held, captured or
 * posted already is refused.
 */
export async function holdFunds(db: Pick<Database, 'query'>, replicaId: string, requests: HoldRequest[]): Promise<HoldResult[]> {
  const batch = requests.map((request, n) => ({
    n, id: request.id, org_id: request.orgId, ref_id: request.refId, api_key_id: request.apiKeyId, amount: request.amount.toString(),
    budgets: request.budgets?.map(({ windowId, limit }) => ({ id: windowId, limit: limit.toString() }))
  }))
  const rows = await db.query(requests.some(({ budgets }) => budgets) ? HOLD_IN_BUDGETS : HOLD, [JSON.stringify(batch), replicaId])
  const results = new Map(rows.map(row => Row.parse(row)).map(row => [row.n, row]))
  return requests.map((_, n) => {
    const row = results.get(n)
    return row ? toResult(row) : { outcome: 'no_wallet' }
  })
}

function toResult({ outcome, available, window_id, budget_left }: z.infer<typeof Row>): HoldResult {
  if (outcome === 'insufficient') return { outcome, available }
  if (outcome === 'over_budget') return { outcome, windowId: window_id ?? '', available: budget_left ?? 0n }
  return { outcome }
}

/** Locks the wallets. An unlimited one may go below zero, but not for ever. */
const LOCKED = `locked as materialized (
  select org_id, mode, balance, held, balance - held + case mode when 'unlimited' then ${MAX_BALANCE} else 0 end as available from wallets
   where org_id = any(array(select org_id from input)) order by org_id for update
)`

// The wallet is written as its lock found it, not as `w` has it: PostgreSQL checks the constraints of an update on the row as the statement's
// snapshot saw it, before it follows that row to the version that is locked. See docs/decisions/2026-11-28-a-locked-row-is-written-as-it-was-locked.md.
const HOLD = `
with input as materialized (
  select * from jsonb_to_recordset($1::text::jsonb) as r(n int, id uuid, org_id uuid, ref_id text, api_key_id uuid, amount bigint)
), ${LOCKED}, ranked as materialized (
  select i.*, l.available,
         sum(i.amount) over (partition by i.org_id order by i.amount, i.n) <= l.available as fits
    from input i join locked l using (org_id)
), inserted as (
  insert into transactions (id, org_id, ref_id, type, status, held, api_key_id, replica)
  select id, org_id, ref_id, 'charge', 'held', amount, api_key_id, $2::uuid from ranked where fits
  on conflict (org_id, ref_id) where status in ('posted', 'held', 'captured') do nothing
  returning id, org_id, held
), funded as (
  update wallets w set mode = l.mode, balance = l.balance, held = l.held + s.total, updated_at = now()
    from (select org_id, sum(held)::bigint as total from inserted group by org_id) s join locked l using (org_id)
   where w.org_id = s.org_id and w.org_id = any(array(select org_id from inserted))
)
select r.n, case when not r.fits then 'insufficient' when i.id is null then 'ref_taken' else 'held' end as outcome, r.available::text as available
  from ranked r left join inserted i on i.id = r.id`

// As HOLD, for batches with calls that have budgets. What a budget refuses does not count against the wallet.
const HOLD_IN_BUDGETS = `
with input as materialized (
  select * from jsonb_to_recordset($1::text::jsonb) as r(n int, id uuid, org_id uuid, ref_id text, api_key_id uuid, amount bigint, budgets jsonb)
), ${LOCKED}, wanted as materialized (
  select i.n, i.amount, b.id, b."limit" from input i cross join lateral jsonb_to_recordset(i.budgets) as b(id uuid, "limit" bigint)
), windows as materialized (
  select id, spent + held as used from budget_windows
   where (select count(*) from locked) > 0 and id = any(array(select id from wanted)) order by id for update
), judged as materialized (
  select n, bool_and(left_over is not null) as known, bool_and(coalesce(amount = 0 or running <= left_over, false)) as fits,
         min(left_over) as left_over, (array_agg(id order by left_over))[1] as tightest
    from (select w.n, w.id, w.amount, w."limit" - x.used as left_over, sum(w.amount) over (partition by w.id order by w.amount, w.n) as running
            from wanted w left join windows x using (id)) s
   group by n
), ranked as materialized (
  select i.*, l.available, j.known, j.left_over, j.tightest, coalesce(j.fits, true) as in_budget,
         coalesce(j.fits, true)
           and sum(i.amount) filter (where coalesce(j.fits, true)) over (partition by i.org_id order by i.amount, i.n) <= l.available as fits
    from input i join locked l using (org_id) left join judged j using (n)
), inserted as (
  insert into transactions (id, org_id, ref_id, type, status, held, api_key_id, replica, budget_windows)
  select id, org_id, ref_id, 'charge', 'held', amount, api_key_id, $2::uuid,
         case when budgets is not null then array(select w.id from wanted w where w.n = ranked.n order by w.id) end
    from ranked where fits
  on conflict (org_id, ref_id) where status in ('posted', 'held', 'captured') do nothing
  returning id, org_id, held, budget_windows
), funded as (
  update wallets w set mode = l.mode, balance = l.balance, held = l.held + s.total, updated_at = now()
    from (select org_id, sum(held)::bigint as total from inserted group by org_id) s join locked l using (org_id)
   where w.org_id = s.org_id and w.org_id = any(array(select org_id from inserted))
), reserved as (
  update budget_windows b set held = b.held + s.total
    from (select w.id, sum(i.held)::bigint as total from inserted i cross join lateral unnest(i.budget_windows) as w(id) group by w.id) s
   where b.id = s.id and b.id = any(array(select unnest(budget_windows) from inserted))
)
select r.n, case when not coalesce(r.known, true) then 'no_window' when not r.in_budget then 'over_budget' when not r.fits then 'insufficient'
                 when i.id is null then 'ref_taken' else 'held' end as outcome,
       r.available::text as available, r.tightest as window_id, greatest(r.left_over, 0)::text as budget_left
  from ranked r left join inserted i on i.id = r.id`
