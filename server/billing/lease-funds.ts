import { eq, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database, Orm } from '../../db/client'
import { walletLeases, wallets } from '../../db/schema'
import type { BudgetShare } from './hold-funds'
import type { WalletRow } from './lock-wallet'

export interface LeaseRequest {
  id: string
  orgId: string
  /** What is asked for, nano-USD. */
  amount: bigint
  /** Less than this is no use. */
  least: bigint
  /** The budgets that its calls count in; none by default. */
  budgets?: readonly BudgetShare[] | undefined
}

const Granted = z.object({ granted: z.coerce.bigint() })
const Leased = z.object({ leased: z.coerce.bigint() })

/**
 * Sets money aside for the calls to come of one process: durable as a hold is, and part of what the wallet and the windows of its budgets hold. A prepaid
 * wallet leases at most a sixteenth of what is available, and a budget of what it has left, so that no replica starves another.
 * @returns the lease's amount, nano-USD; undefined when wallet or budgets have too little to spare, or a window has no row yet
 */
export async function openLease(db: Pick<Database, 'query'>, replicaId: string, { id, orgId, amount, least, budgets = [] }: LeaseRequest): Promise<bigint | undefined> {
  const wanted = budgets.map(({ windowId, limit }) => ({ id: windowId, limit: limit.toString() }))
  const [row] = await db.query(OPEN, [id, replicaId, orgId, amount, least, JSON.stringify(wanted)])
  return row && Granted.parse(row).granted
}

// The wallet is written as its lock found it (docs/decisions/2026-11-28-a-locked-row-is-written-as-it-was-locked.md).
const OPEN = `
with locked as materialized (
  select org_id, mode, balance, held, balance - held as available from wallets where org_id = $3::uuid for update
), wanted as materialized (
  select id, "limit" from jsonb_to_recordset($6::text::jsonb) as b(id uuid, "limit" bigint)
), windows as materialized (
  select id, spent + held as used from budget_windows
   where (select count(*) from locked) > 0 and id = any(array(select id from wanted)) order by id for update
), opened as (
  insert into wallet_leases (id, org_id, replica, amount, budget_windows)
  select $1::uuid, org_id, $2::uuid, amount, nullif(array(select id from wanted order by id), '{}')
    from (select org_id, least($4::bigint, case when mode = 'prepaid' then available / 16 end, (select min("limit" - used) / 16 from wanted join windows using (id))) as amount from locked) offer
   where amount >= $5::bigint and (select count(*) from windows) = (select count(*) from wanted)
  returning org_id, amount
), counted as (
  update budget_windows b set held = b.held + o.amount from opened o where b.id in (select id from windows)
), funded as (
  update wallets w set mode = l.mode, balance = l.balance, held = l.held + o.amount, updated_at = now()
    from opened o join locked l using (org_id) where w.org_id = o.org_id
)
select amount::text as granted from opened`

/** Gives `amount` nano-USD of a lease back to its wallet; with `close` the lease ends. One that is gone already changes nothing. */
export async function giveLeaseBack(db: Pick<Database, 'query'>, { id, orgId, amount, close }: { id: string, orgId: string, amount: bigint, close: boolean }): Promise<void> {
  await db.query(close ? CLOSE : SHRINK, close ? [id, orgId] : [id, orgId, amount])
}

const LOCKED = `
with locked as materialized (
  select org_id from wallets where org_id = $2::uuid for update
), lease as materialized (
  select id, org_id, amount, drawn, budget_windows from wallet_leases where id = $1::uuid and org_id in (select org_id from locked) for update
), windows as materialized (
  select id from budget_windows where id = any(array(select unnest(budget_windows) from lease)) order by id for update
)`

const CLOSE = `${LOCKED}, closed as (
  delete from wallet_leases l using lease where l.id = lease.id
), counted as (
  update budget_windows b set spent = b.spent + lease.drawn, held = b.held - lease.amount - lease.drawn from lease where b.id in (select id from windows)
)
update wallets w set held = w.held - lease.amount, updated_at = now() from lease where w.org_id = lease.org_id`

const SHRINK = `${LOCKED}, shrunk as (
  update wallet_leases l set amount = l.amount - $3::bigint from lease where l.id = lease.id
), uncounted as (
  update budget_windows b set held = b.held - $3::bigint from lease where b.id in (select id from windows)
)
update wallets w set held = w.held - $3::bigint, updated_at = now() from lease where w.org_id = lease.org_id`

/**
 * Ends all leases of a wallet whose lock the transaction holds, whatever runs on them: a call that does is charged under a hold of its own.
 * @returns the wallet as it is then
 */
export async function takeLeasesBack(transaction: Orm, wallet: WalletRow): Promise<WalletRow> {
  const taken = await transaction.delete(walletLeases).where(eq(walletLeases.orgId, wallet.orgId)).returning({ amount: walletLeases.amount, drawn: walletLeases.drawn, budgetWindows: walletLeases.budgetWindows })
  const held = taken.reduce((held, { amount }) => held - amount, wallet.held)
  if (taken.length > 0) await transaction.update(wallets).set({ held }).where(eq(wallets.orgId, wallet.orgId))
  const counted = taken.flatMap(({ amount, drawn, budgetWindows }) => budgetWindows?.map(id => ({ id, amount: amount.toString(), drawn: drawn.toString() })) ?? [])
  if (counted.length > 0) await transaction.execute(sql`
    with counted as (
      select id, sum(amount)::bigint as amount, sum(drawn)::bigint as drawn from jsonb_to_recordset(${JSON.stringify(counted)}::text::jsonb) as c(id uuid, amount bigint, drawn bigint) group by id
    ), windows as materialized (
      select id from budget_windows where id in (select id from counted) order by id for update
    )
    update budget_windows b set spent = b.spent + c.drawn, held = b.held - c.amount - c.drawn from counted c where b.id = c.id and b.id in (select id from windows)`)
  return { ...wallet, held }
}

/** What all replicas have leased of the wallet of the org, or of the window of a budget, that has this id; nano-USD. */
export async function sumLeases(db: Pick<Database, 'query'>, id: string): Promise<bigint> {
  const [row] = await db.query('select coalesce(sum(amount), 0)::text as leased from wallet_leases where org_id = $1::uuid or $1::uuid = any(budget_windows)', [id])
  return Leased.parse(row).leased
}
