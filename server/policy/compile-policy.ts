import { parseUsdDecimal } from '../../shared/money'
import { budgetPeriods } from '../../shared/policy'
import type { BudgetPeriod, counterRules, PolicyScope } from '../../shared/policy'
import type { LoomError } from '../errors'
import type { BudgetTimes, BudgetWindow } from './budget-window'
import { DenyMatcher, ModelMatcher } from './match-model'
import { addressRule, allowRule, bodyRefusal, bodyRule, denyRule, expiryRule, inputRule, outputRule, scopeRule } from './static-rules'
import type { AddressRule, BodilessRule, PolicyLevel, StaticRule } from './static-rules'

/** A rule that counts calls. */
export interface CounterRule {
  rule: typeof counterRules[number]
  scope: PolicyScope
  /** Of the counter, in memory and on Redis. */
  key: string
  limit: number
}

export interface BudgetRule {
  scope: PolicyScope
  /** Whose spending it bounds. */
  subjectId: string
  period: BudgetPeriod
  limit: bigint
  timeZone: string
  /** Runs until its end, whatever the time zone says. */
  keptWindow?: BudgetWindow | undefined
}

/** All rules over one caller, made once and kept with it. */
export interface CallerPolicy {
  /** In the order they are told. */
  rules: readonly StaticRule[]
  /** Those of `rules` that ask nothing of the body. */
  bodilessRules: readonly BodilessRule[]
  /** Those of them about addresses. */
  addressRules: readonly AddressRule[]
  counters: readonly CounterRule[]
  budgets: readonly BudgetRule[]
  allowed: readonly ModelMatcher[]
  denied: readonly { scope: PolicyScope, matcher: DenyMatcher }[]
  /** The least at any level, so that a larger body need not be read. */
  bodyLimit: { maxBytes: number, refusal: () => LoomError } | undefined
  /** The least at any level; Infinity without. */
  maxInputTokens: number
  maxOutputTokens: number
}

/** @param times the org's; the platform's periods are UTC's */
export function compilePolicy(levels: readonly PolicyLevel[], times: BudgetTimes): CallerPolicy {
  const each = <Item>(make: (level: PolicyLevel) => Item | readonly Item[] | undefined): Item[] => levels.flatMap(level => make(level) ?? [])
  const least = (name: 'maxInputTokens' | 'maxOutputTokens') => Math.min(...levels.map(({ policy }) => policy[name] ?? Infinity))
  const allowed = each(({ scope, policy }) => policy.allowedModels && { scope, matcher: new ModelMatcher(policy.allowedModels) })
  const denied = each(({ scope, policy }) => policy.deniedModels && { scope, matcher: new DenyMatcher(policy.deniedModels) })
  const [scopeRules, expiryRules, addressRules] = [each(scopeRule), each(expiryRule), each(addressRule)]
  return {
    rules: [
      ...scopeRules,
      ...expiryRules,
      ...allowed.map(({ scope, matcher }) => allowRule(scope, matcher)),
      ...denied.map(({ scope, matcher }) => denyRule(scope, matcher)),
      ...addressRules,
      ...each(bodyRule),
      ...each(inputRule),
      ...each(outputRule)
    ],
    bodilessRules: [...scopeRules, ...expiryRules, ...addressRules],
    addressRules,
    counters: [...each(countersOf('maxConcurrent', 'max_concurrent')), ...each(countersOf('requestsPerMinute', 'requests_per_minute')), ...each(countersOf('tokensPerMinute', 'tokens_per_minute'))],
    budgets: each(level => budgetsOf(level, level.scope === 'platform' ? { timeZone: 'UTC' } : times)),
    allowed: allowed.map(({ matcher }) => matcher),
    denied,
    bodyLimit: bodyLimit(levels),
    maxInputTokens: least('maxInputTokens'),
    maxOutputTokens: least('maxOutputTokens')
  }
}

/** Whether the caller may name this model. */
export function allowsModel({ allowed, denied }: Pick<CallerPolicy, 'allowed' | 'denied'>, name: string): boolean {
  return allowed.every(matcher => matcher.matches(name)) && !denied.some(({ matcher }) => matcher.matches(name))
}

function bodyLimit(levels: readonly PolicyLevel[]): CallerPolicy['bodyLimit'] {
  const limits = levels.flatMap(({ scope, policy: { maxBodyBytes } }) => maxBodyBytes === undefined ? [] : [{ maxBytes: maxBodyBytes, refusal: () => bodyRefusal(scope, maxBodyBytes) }])
  return limits.sort((a, b) => a.maxBytes - b.maxBytes)[0]
}

function countersOf(name: 'maxConcurrent' | 'requestsPerMinute' | 'tokensPerMinute', rule: CounterRule['rule']) {
  return ({ scope, id, policy }: PolicyLevel): CounterRule | undefined => {
    const limit = policy[name]
    return limit === undefined ? undefined : { rule, scope, key: `${rule}:${scope}:${id}`, limit }
  }
}

function budgetsOf({ scope, id, policy: { budgets } }: PolicyLevel, { timeZone, keptWindows }: BudgetTimes): BudgetRule[] {
  return budgetPeriods.flatMap((period) => {
    const limit = budgets?.[period]
    return limit === undefined ? [] : [{ scope, subjectId: id, period, limit: parseUsdDecimal(limit), timeZone, keptWindow: period === 'total' ? undefined : keptWindows?.[period] }]
  })
}
