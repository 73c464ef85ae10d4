import { and, desc } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { traces } from '../../db/schema'
import { toUsdDecimal } from '../../shared/money'
import type { TraceExportQuery, TraceSummary } from '../../shared/traces'
import { textCell } from '../billing/statement-csv'
import { isAfter, keysetTime, whereTraces } from './list-traces'
import type { TraceScope } from './list-traces'
import type { TracePosition } from './trace-cursor'
import { summaryColumns, toSummary } from './trace-summary'

/** Rows a statement, and about as many in memory. */
const PAGE = 1_000

const columns = [
  'id', 'createdAt', 'endpoint', 'requestedModel', 'model', 'provider', 'statusCode', 'errorType', 'isStream', 'cache', 'latencyMs', 'ttfbMs', 'gatewayOverheadMs',
  'inputTokens', 'outputTokens', 'cachedInputTokens', 'reasoningTokens', 'projectId', 'apiKeyId', 'userId', 'conversationId'
] as const satisfies (keyof TraceSummary)[]

/**
 * Every trace that a filter is about, newest first, as lines of CSV (RFC 4180) or of JSON, a page at a time: however many there are, memory stays the same.
 * Ends between two pages once `signal` is aborted. Bodies are not in it.
 */
export async function* exportTraces(orm: Orm, scope: TraceScope, { format, ...filter }: TraceExportQuery, signal: AbortSignal): AsyncGenerator<string> {
  if (format === 'csv') yield `${[...columns, 'costUsd', 'tags'].join(',')}\r\n`
  for (let after: TracePosition | undefined; !signal.aborted;) {
    const rows = await orm.select({ ...summaryColumns, keysetTime }).from(traces)
      .where(and(whereTraces(scope, filter), isAfter(after)))
      .orderBy(desc(traces.createdAt), desc(traces.id))
      .limit(PAGE)
    if (rows.length > 0) yield rows.map(row => toLine(toSummary(row), format)).join('')
    const last = rows.at(-1)
    if (!last || rows.length < PAGE) return
    after = { createdAt: last.keysetTime, id: last.id }
  }
}

function toLine(trace: TraceSummary, format: TraceExportQuery['format']): string {
  const { costNanoUsd, tags, ...rest } = trace
  const costUsd = toUsdDecimal(BigInt(costNanoUsd))
  if (format === 'jsonl') return `${JSON.stringify({ ...rest, costUsd, tags })}\n`
  const cells = columns.map((name) => {
    const value = trace[name]
    return typeof value === 'string' ? textCell(value) : value ?? ''
  })
  return `${[...cells, costUsd, Object.keys(tags).length === 0 ? '' : textCell(JSON.stringify(tags))].join(',')}\r\n`
}
