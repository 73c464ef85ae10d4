import { z } from 'zod'
import { AnalyticsSummary, Timeseries, WireAnalyticsQuery, WireTimeseriesQuery } from '../../shared/analytics'
import { WireStatementQuery, WireTransactionQuery } from '../../shared/billing'
import { callScopes, PolicyCheck, PolicyCheckRequest } from '../../shared/policy'
import { WireTraceQuery, WireUsageQuery } from '../../shared/traces'
import { PurgedCache, WireModel, WireModelList, WireStatement, WireTrace, WireTracePage, WireTransactionPage, WireUsage, WireWallet } from '../../shared/wire'
import { billingHeaders, messagesHeaders } from './headers'
import type { RouteReference } from './route-reference'

const json = (schema: z.ZodType) => ({ 'application/json': schema })
const ORG_WIDE = 'For keys of the whole org, not of a project.'
const lookUp = { method: 'get', callsModel: false, errors: 'openai' } as const

/** The routes of `/v1` that call no model. */
export const recordReferences: readonly RouteReference[] = [
  {
    ...lookUp,
    method: 'post',
    path: '/v1/policy/check',
    tag: 'Models',
    scopes: ['inference', ...callScopes],
    summary: 'Tell what would be decided of a call, without making it',
    description: '`X-Billing-Amount`, `X-Billing-Ref-Id` and `anthropic-beta` count as they would with the call. What is told is never stored: an `Idempotency-Key` changes nothing, and each repeat is judged anew.',
    body: json(PolicyCheckRequest),
    headers: [...billingHeaders, ...messagesHeaders],
    answers: json(PolicyCheck)
  },
  { ...lookUp, path: '/v1/models', tag: 'Models', scopes: ['inference', ...callScopes], summary: 'List the models this key may name', answers: json(WireModelList) },
  { ...lookUp, path: '/v1/models/{id}', tag: 'Models', scopes: ['inference', ...callScopes], summary: 'Get a model', pathParameters: { id: 'The name calls use; it may hold slashes.' }, answers: json(WireModel) },
  {
    ...lookUp,
    path: '/v1/traces',
    tag: 'Records',
    scopes: ['traces'],
    summary: 'List calls, the newest first',
    description: 'A key of a project sees its project. `next_cursor` of a page is the `cursor` of the next.',
    query: WireTraceQuery,
    answers: json(WireTracePage)
  },
  {
    ...lookUp,
    path: '/v1/traces/{id}',
    tag: 'Records',
    scopes: ['traces'],
    summary: 'Get a call',
    description: 'Its bodies need the scope `bodies` too.',
    pathParameters: { id: 'The `x-request-id` of the call.' },
    query: z.object({ include: z.literal('bodies').optional() }),
    answers: json(WireTrace)
  },
  { ...lookUp, path: '/v1/usage', tag: 'Records', scopes: ['traces'], summary: 'Report what calls used and cost', query: WireUsageQuery, answers: json(WireUsage) },
  {
    ...lookUp,
    path: '/v1/analytics/summary',
    tag: 'Records',
    scopes: ['traces'],
    summary: 'Sum up calls, beside the period before',
    description: 'Of hourly totals, so the answer does not slow with the number of calls. A key of a project sees its project.',
    query: WireAnalyticsQuery,
    answers: json(AnalyticsSummary)
  },
  {
    ...lookUp,
    path: '/v1/analytics/timeseries',
    tag: 'Records',
    scopes: ['traces'],
    summary: 'Sum up calls by time and group',
    description: 'Of hourly totals. Days, weeks and months are those of the time zone. A key of a project sees its project.',
    query: WireTimeseriesQuery,
    answers: json(Timeseries)
  },
  { ...lookUp, method: 'delete', path: '/v1/cache', tag: 'Records', scopes: ['billing'], summary: 'Forget all cached answers', description: ORG_WIDE, answers: json(PurgedCache) },
  { ...lookUp, path: '/v1/wallet', tag: 'Records', scopes: ['traces'], summary: 'Get what the org has left', description: ORG_WIDE, answers: json(WireWallet) },
  { ...lookUp, path: '/v1/transactions', tag: 'Records', scopes: ['traces'], summary: 'List the ledger, the newest first', description: ORG_WIDE, query: WireTransactionQuery, answers: json(WireTransactionPage) },
  {
    ...lookUp,
    path: '/v1/statements/{month}',
    tag: 'Records',
    scopes: ['traces'],
    summary: 'Get the statement of a month',
    description: ORG_WIDE,
    pathParameters: { month: 'A calendar month in the org\'s time zone: `2026-11`.' },
    query: WireStatementQuery,
    answers: { ...json(WireStatement), 'text/csv': z.string().describe('With `format=csv`.') }
  },
  { ...lookUp, path: '/v1/openapi.json', tag: 'Records', scopes: [], summary: 'Get this description', answers: json(z.looseObject({ openapi: z.string() })) }
]
