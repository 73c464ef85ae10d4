import { sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { CATALOG_CHANNEL } from '../catalog/catalog'

/** Tells every replica that an org's connections, routes or prices changed (null: everybody's); delivered when the transaction commits. */
export async function notifyCatalog(transaction: Orm, orgId: string | null): Promise<void> {
  await transaction.execute(sql`select pg_notify(${CATALOG_CHANNEL}, ${orgId ?? 'platform'})`)
}
