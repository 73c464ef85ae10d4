import { eq } from 'drizzle-orm'
import { z } from 'zod'
import type { Database, Orm } from '../../db/client'
import { walletLeases, wallets } from '../../db/schema'
import type { WalletRow } from './lock-wallet'

export interface LeaseRequest {
  id: string
  orgId: string
  /** What is asked for, nano-USD. */
  amount: bigint
  /** Less than this is no use. */
  least: bigint
}

const Granted = z.object({ granted: z.coerce.bigint() })
const Leased = z.object({ leased: z.coerce.bigint() })

/**
 * Sets money aside for the calls to come of one process: durable as a hold is, and part of the wallet's `held`. A prepaid
 * wallet leases at most a sixteenth of what is available, so that no replica starves another.
 * @returns the lease's amount, nano-USD; undefined when the wallet has too little to spare
 */
export async function openLease(db: Pick<Database, 'query'>, replicaId: string, { id, orgId, amount, least }: LeaseRequest): Promise<bigint | undefined> {
  const [row] = await db.query(OPEN, [id, replicaId, orgId, amount, least])
  return row && Granted.parse(row).granted
}

// The wallet is written as its lock found it (docs/decisions/2026-11-28-a-locked-row-is-written-as-it-was-locked.md).
const OPEN = `
with locked as materialized (
  select org_id, mode, balance, held, balance - held as available from wallets where org_id = $3::uuid for update
), opened as (
  insert into wallet_leases (id, org_id, replica, amount)
  select $1::uuid, org_id, $2::uuid, amount
    from (select org_id, case when mode = 'unlimited' then $4::bigint else least($4::bigint, available / 16) end as amount from locked) offer
   where amount >= $5::bigint
  returning org_id, amount
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
  select id, org_id, amount from wallet_leases where id = $1::uuid and org_id in (select org_id from locked) for update
)`

const CLOSE = `${LOCKED}, closed as (
  delete from wallet_leases l using lease where l.id = lease.id
)
update wallets w set held = w.held - lease.amount, updated_at = now() from lease where w.org_id = lease.org_id`

const SHRINK = `${LOCKED}, shrunk as (
  update wallet_leases l set amount = l.amount - $3::bigint from lease where l.id = lease.id
)
update wallets w set held = w.held - $3::bigint, updated_at = now() from lease where w.org_id = lease.org_id`

/**
 * Ends all leases of a wallet whose lock the transaction holds, whatever runs on them: a call that does is charged under a hold of its own.
 * @returns the wallet as it is then
 */
export async function takeLeasesBack(transaction: Orm, wallet: WalletRow): Promise<WalletRow> {
  const taken = await transaction.delete(walletLeases).where(eq(walletLeases.orgId, wallet.orgId)).returning({ amount: walletLeases.amount })
  const held = taken.reduce((held, { amount }) => held - amount, wallet.held)
  if (taken.length > 0) await transaction.update(wallets).set({ held }).where(eq(wallets.orgId, wallet.orgId))
  return { ...wallet, held }
}

/** What all replicas have leased of an org's wallet, nano-USD. */
export async function sumLeases(db: Pick<Database, 'query'>, orgId: string): Promise<bigint> {
  const [row] = await db.query('select coalesce(sum(amount), 0)::text as leased from wallet_leases where org_id = $1', [orgId])
  return Leased.parse(row).leased
}
