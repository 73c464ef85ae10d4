/**
 * What a capture's statement has beside the rest where calls have budgets; the windows are those their holds or leases were taken in. What is drawn on a
 * lease is counted when that one goes, but for what a call costs beyond what it had reserved.
 */
export interface BudgetParts {
  /** After `found`: locks the windows, after the wallets and in the order that holding locks them. */
  lock: string
  /** After `due`: how much of a cost beyond its hold still fits every budget. */
  judge: string
  /** Beside what the wallet has for a charge beyond its hold. */
  within: string
  /** After `done`: moves the money from held to spent. */
  count: string
}

export const inBudgets: BudgetParts = {
  lock: `, windows as materialized (
  select id, spent + held as used from budget_windows
   where (select count(*) from locked) > 0 and id = any(array(select unnest(budget_windows) from found
                                                           union select unnest(budget_windows) from leased join input on lease_id = leased.id where cost > reserved)) order by id for update
)`,
  judge: `, stretched as materialized (
  select n, min(greatest(left_over + excess - running, 0)) as room
    from (select d.n, d.excess, b."limit" - w.used as left_over, sum(d.excess) over (partition by b.id order by d.excess, d.n) as running
            from due d join input i using (n) cross join lateral jsonb_to_recordset(i.budgets) as b(id uuid, "limit" bigint) join windows w on w.id = b.id
           where d.excess > 0) s
   group by n
)`,
  within: ', (select s.room from stretched s where s.n = d.n)',
  count: `, budgeted as (
  update budget_windows b set spent = b.spent + s.captured, held = b.held - s.freed
    from (select w.id, sum(case when l.id is null then d.captured else d.captured - d.freed end)::bigint as captured, sum(case when l.id is null then d.freed else 0 end)::bigint as freed
            from done d join running r on coalesce(r.hold_id, r.id) = d.id left join found f on f.id = r.hold_id left join leased l on l.id = r.lease_id
           cross join lateral unnest(coalesce(f.budget_windows, l.budget_windows)) as w(id) group by w.id) s
   where b.id = s.id and b.id = any(array(select id from windows))
)`
}

export const withoutBudgets: BudgetParts = { lock: '', judge: '', within: '', count: '' }
