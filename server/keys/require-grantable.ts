import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { apiKeys } from '../../db/schema'
import { adminKeyScopes } from '../../shared/keys'
import type { KeyScope } from '../../shared/keys'
import { parseUsdDecimal } from '../../shared/money'
import { budgetPeriods, callScopes, KeyLimits } from '../../shared/policy'
import { LoomError } from '../errors'
import { coversPattern } from '../policy/match-model'
import type { Principal } from '../identity/principal'
import { roleReaches } from '../../shared/roles'
import type { MemberRole } from '../../shared/identity'

/** What a key may do, whoever holds it. */
export interface Powers {
  scopes: readonly KeyScope[] | readonly string[]
  projectId: string | null
  allowedModels: readonly string[] | null
  limits: KeyLimits
  expiresAt: Date | null
}

/** Whether a role may give these scopes out; no role at all gives none. */
export function mayGrant(role: MemberRole | null, scopes: readonly string[]): boolean {
  if (role === null) return false
  return roleReaches(role, scopes.some(scope => adminKeyScopes.some(admin => admin === scope)) ? 'admin' : 'member')
}

/**
 * A key can never do more than whoever makes or changes it: their role, and, when that is itself a key, each of its own bounds. Each key counts its
 * calls for itself, so one whose calls are counted gives nothing out: by a second key it would have its budget twice.
 * @param keyId of the key that is changed; undefined for a new one
 * @throws {LoomError} `forbidden` naming the bound
 */
export async function requireGrantable(transaction: Orm, principal: Principal, powers: Powers, keyId?: string): Promise<void> {
  if (!mayGrant(principal.role, powers.scopes)) throw new LoomError('forbidden', `Only admins give out the scopes ${adminKeyScopes.join(', ')}.`, { param: 'scopes' })
  if (principal.keyId === null) return
  const [own] = await transaction.select().from(apiKeys).where(and(eq(apiKeys.id, principal.keyId), eq(apiKeys.orgId, principal.orgId)))
  const limits = own && KeyLimits.parse(own.limits)
  if (limits && principal.keyId !== keyId && isCounted(limits)) {
    throw new LoomError('forbidden', 'A key whose calls are counted (budgets, requests or tokens a minute, calls at once) makes and changes no other, for each key counts for itself. Do it in the browser, or with a key that has no such limit.', { param: 'limits' })
  }
  const excess = own && limits && findExcess({ ...own, limits }, powers)
  if (!own || excess) throw new LoomError('forbidden', `A key cannot give out more than it has itself: ${excess ?? 'it is gone'}.`, { param: excess })
}

function isCounted({ requestsPerMinute, tokensPerMinute, maxConcurrent, budgets = {} }: KeyLimits): boolean {
  return [requestsPerMinute, tokensPerMinute, maxConcurrent, ...Object.values(budgets)].some(limit => limit !== undefined)
}

function findExcess(own: Powers, asked: Powers): string | undefined {
  if (!includesAll(own.scopes.includes('inference') ? [...own.scopes, ...callScopes] : own.scopes, asked.scopes)) return 'scopes'
  if (own.projectId !== null && own.projectId !== asked.projectId) return 'projectId'
  if (own.allowedModels !== null && (asked.allowedModels === null || !coversAll(own.allowedModels, asked.allowedModels))) return 'allowedModels'
  if (own.expiresAt !== null && (asked.expiresAt === null || asked.expiresAt > own.expiresAt)) return 'expiresAt'
  return exceedsLimits(own.limits, asked.limits) ? 'limits' : undefined
}

function exceedsLimits(own: KeyLimits, asked: KeyLimits): boolean {
  const counts = ['requestsPerMinute', 'tokensPerMinute', 'maxConcurrent', 'maxBodyBytes', 'maxInputTokens', 'maxOutputTokens'] as const
  return counts.some(name => (own[name] ?? Infinity) < (asked[name] ?? Infinity))
    || budgetPeriods.some(period => exceedsBudget(own.budgets?.[period], asked.budgets?.[period]))
    || (own.allowedIps !== undefined && !(asked.allowedIps && includesAll(own.allowedIps, asked.allowedIps)))
    || (own.deniedModels !== undefined && !coversAll(asked.deniedModels ?? [], own.deniedModels))
}

function exceedsBudget(own: string | undefined, asked: string | undefined): boolean {
  return own !== undefined && (asked === undefined || parseUsdDecimal(asked) > parseUsdDecimal(own))
}

function coversAll(patterns: readonly string[], names: readonly string[]): boolean {
  return names.every(name => patterns.some(pattern => coversPattern(pattern, name)))
}

function includesAll(all: readonly string[], some: readonly string[]): boolean {
  return some.every(item => all.includes(item))
}
