import { z } from 'zod'
import type { Database } from '../../db/client'

const Taken = z.object({ status: z.enum(['posted', 'held', 'captured']) })

/** Whether a call of the org has this ref: one that is under way (`held`), or charged. While the wallet is locked nobody takes it: whoever does locks that first. */
export async function findRef(db: Pick<Database, 'query'>, orgId: string, refId: string): Promise<'free' | 'held' | 'charged'> {
  const [row] = await db.query(`select status from transactions where org_id = $1 and ref_id = $2 and status in ('posted', 'held', 'captured')`, [orgId, refId])
  if (!row) return 'free'
  return Taken.parse(row).status === 'held' ? 'held' : 'charged'
}

/**
 * Keeps a ref that is free for the charge `lateId`, which stands under one of ours: with a posted row of $0, so that no later call is
 * charged for it again. A charge that was not captured keeps none.
 */
export async function keepRef(db: Pick<Database, 'query'>, refId: string, rowId: string, lateId: string): Promise<void> {
  await db.query(KEEP_REF, [refId, rowId, lateId])
}

const KEEP_REF = `
insert into transactions (id, org_id, ref_id, type, status, balance_after, api_key_id, actor, description, settled_at)
select $2::uuid, org_id, $1, 'adjustment', 'posted', balance_after, api_key_id, 'system', 'Charged late, as ' || ref_id, now()
  from transactions where id = $3::uuid and status = 'captured'`
