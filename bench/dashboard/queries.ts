import type { Orm } from '../../db/client'
import { AnalyticsQuery, TimeseriesQuery } from '../../shared/analytics'
import { TraceQuery } from '../../shared/traces'
import { plotUsage } from '../../server/analytics/plot-usage'
import { summarizeUsage } from '../../server/analytics/summarize-usage'
import { openKeyring } from '../../server/crypto/keyring'
import { getTrace } from '../../server/traces/get-trace'
import { listFacets } from '../../server/traces/list-facets'
import { listTraces } from '../../server/traces/list-traces'
import type { TracePosition } from '../../server/traces/trace-cursor'
import { encodeTraceCursor } from '../../server/traces/trace-cursor'
import type { Generated } from './generate-traces'

/** Something the dashboard asks, and what it may take at the 95th percentile, in ms. */
export interface BenchQuery { name: string, limitMs: number, run: (orm: Orm) => Promise<unknown> }

/** What the pages ask: the overview's four at once, the list with each filter at its first and at a deep page, and one trace. */
export function listQueries(made: Generated, deep: TracePosition & { page: number }): BenchQuery[] {
  const scope = { orgId: made.orgId, projectId: null, userId: made.userId, role: 'owner' as const }
  const keyring = openKeyring({ ENCRYPTION_MASTER_KEY: '00'.repeat(32), LOOM_DATA_DIR: '' })
  const summary = (orm: Orm) => summarizeUsage(orm, scope, AnalyticsQuery.parse({}))
  const plot = (orm: Orm, groupBy?: string, percentiles?: string) => plotUsage(orm, scope, TimeseriesQuery.parse({ groupBy, percentiles }))
  const cursor = encodeTraceCursor(made.orgId, deep)
  const list = (filter: object) => (orm: Orm) => listTraces(orm, scope, TraceQuery.parse({ limit: 100, ...filter }))
  const filters = {
    'none': {}, 'model': { model: 'model-3' }, 'provider': { provider: 'google' }, 'failed': { status: 'error' }, 'status 429': { status: 429 }, 'key': { apiKeyId: made.apiKeyIds[0] },
    'project': { projectId: made.projectId }, 'user': { userId: made.userId }, 'slow': { minLatencyMs: 20_000 }, 'dear': { minCostUsd: '0.1' }, 'tag': { tag: 'team=search' },
    'a model nobody called': { model: 'none' }, 'a key that never called': { apiKeyId: made.orgId }
  }
  return [
    { name: 'overview, 30 days: its four reads at once', limitMs: 200, run: orm => Promise.all([summary(orm), plot(orm), plot(orm, 'model', 'no'), plot(orm, 'key', 'no')]) },
    { name: 'summary, 30 days', limitMs: 200, run: summary },
    { name: 'timeseries by user, 30 days', limitMs: 200, run: orm => plot(orm, 'user') },
    { name: 'filters to choose from', limitMs: 200, run: orm => listFacets({ orm }, scope) },
    ...Object.entries(filters).map(([name, filter]) => ({ name: `list, first page, ${name}`, limitMs: 100, run: list(filter) })),
    ...Object.entries(filters).map(([name, filter]) => ({ name: `list, page ${deep.page}, ${name}`, limitMs: 100, run: list({ ...filter, cursor }) })),
    { name: 'one trace', limitMs: 50, run: orm => getTrace(orm, keyring, scope, deep.id, true) }
  ]
}
