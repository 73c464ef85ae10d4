import { sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'

/** Tells every replica to forget what it knows of a key, its previous secret included; delivered when the transaction commits. */
export async function notifyKeyChange(transaction: Orm, { keyHash, previousKeyHash }: { keyHash: string, previousKeyHash: string | null }): Promise<void> {
  for (const hash of [keyHash, previousKeyHash]) if (hash !== null) await transaction.execute(sql`select pg_notify('loom_keys', ${hash})`)
}
