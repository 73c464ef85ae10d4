import { and, eq, inArray } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { transactions } from '../../db/schema'
import { LoomError } from '../errors'

type TransactionRow = typeof transactions.$inferSelect

/**
 * The posted transaction that bears `refId` already, if it is the same; undefined when the ref is free.
 * @throws {LoomError} `ref_id_conflict` when the ref names something else, such as a call's charge or another amount
 */
export async function findPosted(transaction: Orm, orgId: string, refId: string, isSame: (row: TransactionRow) => boolean): Promise<TransactionRow | undefined> {
  const [row] = await transaction.select().from(transactions)
    .where(and(eq(transactions.orgId, orgId), eq(transactions.refId, refId), inArray(transactions.status, ['posted', 'held', 'captured'])))
  if (row && (row.status !== 'posted' || !isSame(row))) {
    throw new LoomError('ref_id_conflict', `The reference "${refId}" is taken by another transaction. Nothing was posted; use a new one.`, { param: 'refId' })
  }
  return row
}
