import type { PolicyDecision, PolicyRule, PolicyScope } from '../../shared/policy'
import { LoomError } from '../errors'
import type { ErrorCode } from '../errors'

/** How a caller knows the level a rule is set at. */
export const levelNames: Record<PolicyScope, string> = {
  key: 'this key', project: 'this project', org: 'your organisation', platform: 'this installation'
}

/** Whom to ask for another rule. */
export const levelAdvice: Record<PolicyScope, string> = {
  key: 'under Keys', project: 'in the project\'s settings', org: 'in the organisation\'s policy', platform: 'in the platform\'s policy'
}

interface Facts {
  rule: PolicyRule
  scope: PolicyScope
  limit?: unknown
  remaining?: unknown
  /** When what is used up comes back: after milliseconds, and as a time. */
  resets?: { inMs: number, atMs: number }
  param?: string
  retryAfterSeconds?: number
}

/** A call refused by a rule: the error names it, its level, what is left and when that changes. */
export class PolicyRefusal extends LoomError {
  readonly rule: PolicyRule
  readonly scope: PolicyScope
  /** Of a limit per minute, for the `x-ratelimit-*` headers. */
  rateLimit: { unit: 'requests' | 'tokens', state: { limit: number, remaining: number, resetMs: number } } | undefined
  /** What all budgets over the call said, in their order, where one of several refused. */
  budgets: readonly PolicyDecision[] | undefined

  constructor(code: ErrorCode, message: string, { rule, scope, limit, remaining, resets, param, retryAfterSeconds }: Facts, more: Record<string, unknown> = {}) {
    super(code, message, {
      ...(param !== undefined && { param }),
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
      details: {
        rule,
        scope,
        ...(limit !== undefined && { limit }),
        ...(remaining !== undefined && { remaining }),
        ...(resets && { reset_ms: resets.inMs, resets_at: new Date(resets.atMs).toISOString() }),
        ...more
      }
    })
    this.rule = rule
    this.scope = scope
  }
}
