import { and, desc, eq, gte, lt, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { transactions } from '../../db/schema'
import type { Transaction, TransactionPage, TransactionQuery } from '../../shared/billing'

/** Correlated, over the index of refunds: as many rows as a charge has refunds, so nearly always none. */
const refunded = sql<string>`(select coalesce(sum(r.amount), 0)::bigint::text from transactions r where r.charge_id = ${sql.raw('"transactions"."id"')} and r.org_id = ${sql.raw('"transactions"."org_id"')})`

/** An org's ledger, newest first (ids are time-ordered), a page after the `cursor`: the last page costs what the first does. */
export async function listTransactions(orm: Orm, orgId: string, query: TransactionQuery): Promise<TransactionPage> {
  const { limit, cursor, type, status, apiKeyId, refId, from, to } = query
  const rows = await orm.select({ row: transactions, refunded }).from(transactions)
    .where(and(
      eq(transactions.orgId, orgId),
      cursor ? lt(transactions.id, cursor) : undefined,
      type && eq(transactions.type, type),
      status && eq(transactions.status, status),
      apiKeyId ? eq(transactions.apiKeyId, apiKeyId) : undefined,
      refId ? eq(transactions.refId, refId) : undefined,
      from ? gte(transactions.createdAt, new Date(from)) : undefined,
      to ? lt(transactions.createdAt, new Date(to)) : undefined
    ))
    .orderBy(desc(transactions.id))
    .limit(limit + 1)
  const items = rows.slice(0, limit).map(({ row, refunded }) => toTransaction(row, refunded))
  return { items, nextCursor: rows.length > limit ? items.at(-1)?.id ?? null : null }
}

function toTransaction(row: typeof transactions.$inferSelect, refundedNanoUsd: string): Transaction {
  return {
    id: row.id,
    refId: row.refId,
    type: row.type,
    status: row.status,
    amountNanoUsd: row.amount.toString(),
    heldNanoUsd: row.held.toString(),
    capturedNanoUsd: row.captured.toString(),
    balanceAfterNanoUsd: row.balanceAfter?.toString() ?? null,
    chargeId: row.chargeId,
    refundedNanoUsd,
    apiKeyId: row.apiKeyId,
    description: row.description,
    createdAt: row.createdAt.toISOString(),
    settledAt: row.settledAt?.toISOString() ?? null
  }
}
