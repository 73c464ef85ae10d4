import { sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'

/** Lets one transaction at a time change the setting of the platform called `name`, whose row need not be there to be locked. */
export async function lockSetting(transaction: Orm, name: string): Promise<void> {
  await transaction.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`setting:${name}`}, 0))`)
}
