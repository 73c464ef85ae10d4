import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../../db/client'
import type { FinishedCall } from '../../server/billing/finished-call'
import { holdFunds } from '../../server/billing/hold-funds'
import { finishedCall } from '../../tests/support/ledger-entries'
import type { Generated } from './generate-traces'

/** Lets the bench's org call for as much as it likes. */
export async function openWallet(db: Pick<Database, 'query'>, { orgId }: Generated): Promise<void> {
  await db.query(`insert into wallets (org_id, mode) values ($1, 'unlimited') on conflict do nothing`, [orgId])
}

/** Reserves the money of `size` calls by different keys, and returns them as they end: ready to be captured. */
export async function holdBatch(db: Database, replica: string, made: Generated, size: number): Promise<FinishedCall[]> {
  const ids = Array.from({ length: size }, () => uuidv7())
  await holdFunds(db, replica, ids.map(id => ({ id, orgId: made.orgId, refId: id, apiKeyId: null, amount: 1_000n })))
  return ids.map((id, n) => finishedCall(made.orgId, id, 900n, { apiKeyId: made.apiKeyIds[n % made.apiKeyIds.length], model: `model-${n % 3}`, ttfbMs: 120, latencyMs: 900 }))
}
