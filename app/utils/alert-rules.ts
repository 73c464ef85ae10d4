import type { AlertCondition, AlertKind } from '#shared/alerts'
import type { Translate } from './translate'

/** What a new rule of a kind begins with. */
export function defaultCondition(kind: AlertKind): AlertCondition {
  if (kind === 'budget') return { kind, percents: [50, 80, 100] }
  if (kind === 'wallet') return { kind, belowUsd: '5' }
  if (kind === 'errors') return { kind, percent: 20, minutes: 5, minCalls: 20 }
  return kind === 'key_expiry' ? { kind, days: 14 } : { kind }
}

/** What a kind tells of. */
export const nameAlertKind = (kind: AlertKind, t: Translate): string => t(`alert.kinds.${kind}`)

/** A condition in a few words. */
export function describeCondition(condition: AlertCondition, t: Translate): string {
  const key = `alert.conditions.${condition.kind}`
  if (condition.kind === 'budget') return t(key, { percents: condition.percents.join(', ') })
  if (condition.kind === 'wallet') return t(key, { usd: condition.belowUsd })
  return t(key, { ...condition })
}
