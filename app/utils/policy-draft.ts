import type { z } from 'zod'
import type { BudgetPeriod, CallScope, KeyLimits, Policy } from '#shared/policy'
import { budgetPeriods } from '#shared/policy'

export const countRules = ['requestsPerMinute', 'tokensPerMinute', 'maxConcurrent', 'maxInputTokens', 'maxOutputTokens', 'maxBodyBytes'] as const
export type CountRule = typeof countRules[number]

/** Rules as a form holds them: what is empty is unlimited. */
export interface LimitsDraft {
  counts: Record<CountRule, number | null | undefined>
  budgets: Record<BudgetPeriod, string>
  deniedModels: string[]
  allowedIps: string[]
}

export function toLimitsDraft(limits: KeyLimits): LimitsDraft {
  return {
    counts: {
      requestsPerMinute: limits.requestsPerMinute ?? null,
      tokensPerMinute: limits.tokensPerMinute ?? null,
      maxConcurrent: limits.maxConcurrent ?? null,
      maxInputTokens: limits.maxInputTokens ?? null,
      maxOutputTokens: limits.maxOutputTokens ?? null,
      maxBodyBytes: limits.maxBodyBytes ?? null
    },
    budgets: { day: limits.budgets?.day ?? '', week: limits.budgets?.week ?? '', month: limits.budgets?.month ?? '', total: limits.budgets?.total ?? '' },
    deniedModels: [...limits.deniedModels ?? []],
    allowedIps: [...limits.allowedIps ?? []]
  }
}

export function fromLimitsDraft({ counts, budgets, deniedModels, allowedIps }: LimitsDraft): KeyLimits {
  const limits: KeyLimits = {}
  if (deniedModels.length > 0) limits.deniedModels = [...deniedModels]
  if (allowedIps.length > 0) limits.allowedIps = [...allowedIps]
  for (const rule of countRules) if (counts[rule] != null) limits[rule] = counts[rule]
  const set = budgetPeriods.filter(period => budgets[period].trim() !== '').map(period => [period, budgets[period].trim()] as const)
  if (set.length > 0) limits.budgets = Object.fromEntries(set)
  return limits
}

/** The rules of a project, an org or the platform as a form holds them. */
export interface PolicyDraft {
  limits: LimitsDraft
  /** Empty: every model. */
  allowedModels: string[]
  /** Empty: every kind of call. */
  allowedScopes: CallScope[]
}

export function toPolicyDraft(policy: Policy): PolicyDraft {
  return { limits: toLimitsDraft(policy), allowedModels: [...policy.allowedModels ?? []], allowedScopes: [...policy.allowedScopes ?? []] }
}

/** @param seen keeps what the form does not show */
export function fromPolicyDraft({ limits, allowedModels, allowedScopes }: PolicyDraft, seen: Policy): Policy {
  return {
    ...fromLimitsDraft(limits),
    ...(allowedModels.length > 0 && { allowedModels: [...allowedModels] }),
    ...(allowedScopes.length > 0 && { allowedScopes: [...allowedScopes] }),
    ...(seen.expiresAt && { expiresAt: seen.expiresAt })
  }
}

/** What is wrong with rules, at the names their fields have in a form: an item of a list belongs to the list's field. */
export function checkRules(schema: z.ZodType, rules: unknown): { name: string, message: string }[] {
  const parsed = schema.safeParse(rules)
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => ({ name: path.filter(part => typeof part === 'string').join('.'), message }))
}

/** The fields of `next` that differ from those of `before`: what a save has to send. */
export function changedFields<Fields extends Record<string, unknown>>(before: Record<string, unknown>, next: Fields): Partial<Fields> {
  const changed: Partial<Fields> = {}
  for (const name in next) if (JSON.stringify(next[name]) !== JSON.stringify(before[name])) changed[name] = next[name]
  return changed
}
