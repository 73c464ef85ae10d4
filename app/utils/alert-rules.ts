import type { AlertCondition, AlertKind } from '#shared/alerts'

export const alertKindNames: Record<AlertKind, string> = {
  budget: 'A budget is spent',
  wallet: 'The wallet runs low',
  errors: 'Calls fail',
  circuit: 'A circuit opens',
  key_expiry: 'A key ends soon'
}

/** What a new rule of a kind begins with. */
export function defaultCondition(kind: AlertKind): AlertCondition {
  if (kind === 'budget') return { kind, percents: [50, 80, 100] }
  if (kind === 'wallet') return { kind, belowUsd: '5' }
  if (kind === 'errors') return { kind, percent: 20, minutes: 5, minCalls: 20 }
  return kind === 'key_expiry' ? { kind, days: 14 } : { kind }
}

/** A condition in a few words. */
export function describeCondition(condition: AlertCondition): string {
  if (condition.kind === 'budget') return `at ${condition.percents.join(', ')} %`
  if (condition.kind === 'wallet') return `below $${condition.belowUsd}`
  if (condition.kind === 'errors') return `${condition.percent} % of at least ${condition.minCalls} calls in ${condition.minutes} min`
  return condition.kind === 'key_expiry' ? `within ${condition.days} days` : 'repeated failures'
}
