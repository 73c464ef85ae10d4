import { and, desc, eq, gte, lt, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { Orm } from '../../db/client'
import { traces } from '../../db/schema'
import { DEAR_NANO_USD, SLOW_MS } from '../../db/schema/traces'
import { parseUsdDecimal } from '../../shared/money'
import type { TraceFilter, TracePage, TraceQuery } from '../../shared/traces'
import { decodeTraceCursor, encodeTraceCursor } from './trace-cursor'
import type { TracePosition } from './trace-cursor'
import { summaryColumns, toSummary } from './trace-summary'

/** Whose traces: the org's, or one project's of it. */
export interface TraceScope { orgId: string, projectId: string | null }

/**
 * Traces of one org, newest first, by keyset over (created_at, id): the last page costs what the first does.
 * @throws {LoomError} `invalid_request` for a cursor that this org's list has not given
 */
export async function listTraces(orm: Orm, scope: TraceScope, query: TraceQuery): Promise<TracePage> {
  const after = query.cursor === undefined ? undefined : decodeTraceCursor(scope.orgId, query.cursor)
  const rows = await orm.select({ ...summaryColumns, keysetTime }).from(traces)
    .where(and(whereTraces(scope, query), isAfter(after)))
    .orderBy(desc(traces.createdAt), desc(traces.id))
    .limit(query.limit + 1)
  const items = rows.slice(0, query.limit)
  const last = items.at(-1)
  return {
    items: items.map(toSummary),
    nextCursor: rows.length > query.limit && last ? encodeTraceCursor(scope.orgId, { createdAt: last.keysetTime, id: last.id }) : null
  }
}

/** The time as PostgreSQL writes it: a Date would lose the microseconds and skip rows. */
export const keysetTime = sql<string>`${traces.createdAt}::text`

export function isAfter(position: TracePosition | undefined): SQL | undefined {
  return position && sql`(${traces.createdAt}, ${traces.id}) < (${position.createdAt}::timestamptz, ${position.id}::uuid)`
}

/** The traces that a filter is about. What a partial index holds is said in its own words, so that the index is seen to answer. */
export function whereTraces(scope: TraceScope, filter: TraceFilter): SQL | undefined {
  const { status, from, to, tag, minLatencyMs } = filter
  const minCost = filter.minCostUsd === undefined ? undefined : parseUsdDecimal(filter.minCostUsd)
  return and(
    eq(traces.orgId, scope.orgId),
    scope.projectId ? eq(traces.projectId, scope.projectId) : undefined,
    eqIf(traces.projectId, filter.projectId),
    eqIf(traces.model, filter.model),
    eqIf(traces.provider, filter.provider),
    eqIf(traces.apiKeyId, filter.apiKeyId),
    eqIf(traces.userId, filter.userId),
    eqIf(traces.conversationId, filter.conversationId),
    status === 'error' || (status !== undefined && status >= 400) ? sql`${traces.statusCode} >= 400` : undefined,
    status === 'error' ? undefined : eqIf(traces.statusCode, status),
    from ? gte(traces.createdAt, new Date(from)) : undefined,
    to ? lt(traces.createdAt, new Date(to)) : undefined,
    minLatencyMs === undefined ? undefined : gte(traces.latencyMs, minLatencyMs),
    minLatencyMs !== undefined && minLatencyMs >= SLOW_MS ? sql.raw(`traces.latency_ms >= ${SLOW_MS}`) : undefined,
    minCost === undefined ? undefined : gte(traces.cost, minCost),
    minCost !== undefined && minCost >= DEAR_NANO_USD ? sql.raw(`traces.cost >= ${DEAR_NANO_USD}`) : undefined,
    tag ? and(sql`${traces.tags} <> '{}'::jsonb`, sql`${traces.tags} @> ${JSON.stringify(tag)}::jsonb`) : undefined
  )
}

function eqIf(column: PgColumn, value: string | number | null | undefined) {
  return value === undefined || value === null ? undefined : eq(column, value)
}
