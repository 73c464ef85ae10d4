import { and, desc, eq, gt, gte, inArray, isNull, lte, ne, or, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { apiKeys, providerConnections, traces, transactions, wallets } from '../../db/schema'
import { MAX_JUDGED_CALLS } from '../../shared/alerts'
import type { AlertCondition } from '../../shared/alerts'
import { parseUsdDecimal, toUsdDecimal } from '../../shared/money'
import { listBudgets } from '../billing/list-budgets'
import { windowId } from '../policy/budget-window'
import type { Occasion } from './raise-alert'

type ConditionOf<Kind extends AlertCondition['kind']> = Extract<AlertCondition, { kind: Kind }>

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** The caller left: nobody's failure. */
const CLIENT_GONE = 499
const periodNames = { day: 'daily', week: 'weekly', month: 'monthly', total: 'total' }

/** Of each budget the highest percentage that its running period has reached. */
export async function findBudgetOccasions(orm: Orm, orgId: string, { percents }: ConditionOf<'budget'>, now: Date): Promise<Occasion[]> {
  // Alerts are set up by admins and go where they say.
  const budgets = await listBudgets(orm, { orgId, projectId: null, userId: null, role: 'admin' }, now)
  return budgets.flatMap(({ scope, subjectId, subject, period, limitNanoUsd, spentNanoUsd, startsAt, resetsAt }) => {
    const [limit, spent] = [BigInt(limitNanoUsd), BigInt(spentNanoUsd)]
    const reached = percents.findLast(percent => spent * 100n >= limit * BigInt(percent))
    if (reached === undefined || spent === 0n) return []
    const window = windowId({ scope, subjectId, period }, startsAt === null ? 0 : Date.parse(startsAt))
    return [{
      dedupeKey: `${window}:${limitNanoUsd}:${reached}`,
      summary: `The ${periodNames[period]} budget of ${scope === 'org' ? 'the organisation' : `${scope} “${subject}”`} is ${reached} % spent: $${toUsdDecimal(spent)} of $${toUsdDecimal(limit)}.`,
      details: { scope, subjectId, subject, period, percent: reached, spentUsd: toUsdDecimal(spent), limitUsd: toUsdDecimal(limit), resetsAt }
    }]
  })
}

/** A prepaid wallet with less left than the rule says: told anew once money was posted since. */
export async function findWalletOccasions(orm: Orm, orgId: string, { belowUsd }: ConditionOf<'wallet'>): Promise<Occasion[]> {
  const [wallet] = await orm.select().from(wallets).where(eq(wallets.orgId, orgId))
  if (!wallet || wallet.mode !== 'prepaid' || wallet.balance >= parseUsdDecimal(belowUsd)) return []
  const [posted] = await orm.select({ id: transactions.id }).from(transactions)
    .where(and(eq(transactions.orgId, orgId), eq(transactions.status, 'posted'), gt(transactions.amount, 0n), inArray(transactions.type, ['topup', 'adjustment'])))
    .orderBy(desc(transactions.id)).limit(1)
  return [{
    dedupeKey: `wallet:${posted?.id ?? 'never'}:${belowUsd}`,
    summary: `The wallet has $${toUsdDecimal(wallet.balance)} left, less than $${belowUsd}.`,
    details: { balanceUsd: toUsdDecimal(wallet.balance), heldUsd: toUsdDecimal(wallet.held), belowUsd }
  }]
}

/** Too many of the latest minutes' calls failed, judged by the newest of them where there are very many. */
export async function findErrorOccasions(orm: Orm, orgId: string, { percent, minutes, minCalls }: ConditionOf<'errors'>, now: Date): Promise<Occasion[]> {
  const latest = orm
    .select({ statusCode: traces.statusCode })
    .from(traces)
    .where(and(eq(traces.orgId, orgId), gte(traces.createdAt, new Date(now.getTime() - minutes * 60_000)), ne(traces.statusCode, CLIENT_GONE)))
    .orderBy(desc(traces.createdAt))
    .limit(MAX_JUDGED_CALLS)
    .as('latest')
  const [counted] = await orm.select({ calls: sql<number>`count(*)::int`, failed: sql<number>`count(*) filter (where ${latest.statusCode} >= 400)::int` }).from(latest)
  if (!counted || counted.calls < minCalls || counted.failed * 100 < counted.calls * percent) return []
  return [{
    dedupeKey: `errors:${Math.floor(now.getTime() / HOUR_MS)}`,
    summary: `${counted.failed} of ${counted.calls} calls failed in the last ${minutes} min.`,
    details: { ...counted, percent: Math.round(counted.failed / counted.calls * 100), minutes }
  }]
}

/** Keys that end soon. */
export async function findKeyOccasions(orm: Orm, orgId: string, { days }: ConditionOf<'key_expiry'>, now: Date): Promise<Occasion[]> {
  const rows = await orm.select({ id: apiKeys.id, name: apiKeys.name, prefix: apiKeys.keyPrefix, expiresAt: apiKeys.expiresAt }).from(apiKeys)
    .where(and(eq(apiKeys.orgId, orgId), eq(apiKeys.status, 'active'), gt(apiKeys.expiresAt, now), lte(apiKeys.expiresAt, new Date(now.getTime() + days * DAY_MS))))
  return rows.flatMap(({ id, name, prefix, expiresAt }) => expiresAt === null
    ? []
    : [{ dedupeKey: `key:${id}:${expiresAt.toISOString()}`, summary: `The key “${name}” (${prefix}…) ends at ${expiresAt.toISOString()}. Rotate or extend it.`, details: { keyId: id, name, prefix, expiresAt: expiresAt.toISOString() } }])
}

/** What rests on a replica, as `TargetHealth` tells it. */
export interface Resting { orgId: string | null, connectionId: string, model: string | null }

/** Circuits that concern an org: of connections it may use, and of models that rest for it alone. */
export async function findCircuitOccasions(orm: Orm, orgId: string, resting: readonly Resting[], now: Date): Promise<Occasion[]> {
  const own = resting.filter(circuit => circuit.orgId === null || circuit.orgId === orgId)
  if (own.length === 0) return []
  const connections = await orm.select({ id: providerConnections.id, name: providerConnections.name }).from(providerConnections)
    .where(and(inArray(providerConnections.id, own.map(({ connectionId }) => connectionId)), or(eq(providerConnections.orgId, orgId), isNull(providerConnections.orgId))))
  const names = new Map(connections.map(({ id, name }) => [id, name]))
  return own.flatMap(({ connectionId, model }) => {
    const connection = names.get(connectionId)
    return connection === undefined
      ? []
      : [{
          dedupeKey: `circuit:${connectionId}:${model ?? ''}:${Math.floor(now.getTime() / HOUR_MS)}`,
          summary: model === null ? `The connection “${connection}” cannot be reached and rests.` : `The model ${model} of connection “${connection}” failed repeatedly and rests.`,
          details: { connectionId, connection, model }
        }]
  })
}
