import type { SQL } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { Orm } from '../../db/client'
import { LoomError } from '../errors'

/**
 * Bounds how much of one thing an org has. Call it once the new row is written and its change recorded: from `recordChange` on no other change of the org's
 * goes before this one, so that no two at once both find room.
 * @param owned which rows count
 * @param things as people call them, in the plural
 * @throws {LoomError} `conflict` when these are more than `most`
 */
export async function requireRoom(transaction: Orm, table: PgTable, owned: SQL | undefined, most: number, things: string): Promise<void> {
  if (await transaction.$count(table, owned) > most) throw new LoomError('conflict', `An organisation has at most ${most.toLocaleString('en')} ${things}. Remove one first.`)
}
