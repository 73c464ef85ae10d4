import { sql } from 'drizzle-orm'
import { orgs } from '../../db/schema'
import { KeyLimits, Policy } from '../../shared/policy'
import type { PolicyLevel } from './static-rules'

/** Whose counters and budgets the platform's are. */
export const PLATFORM_ID = '00000000-0000-0000-0000-000000000000'

/** The platform's policy is one of its settings, so that reading it is part of any statement. */
export const PLATFORM_POLICY_SETTING = 'policy'
export const PLATFORM_POLICY = `(select s.value from platform_settings s where s.name = '${PLATFORM_POLICY_SETTING}')`
export const platformPolicySql = sql<unknown>`${sql.raw(PLATFORM_POLICY)}`.mapWith(orgs.policy)

/** A key's rules, from its row. */
export function keyLevel({ id, allowedModels, limits }: { id: string, allowedModels: string[] | null, limits: unknown }): PolicyLevel {
  return { scope: 'key', id, policy: { ...KeyLimits.parse(limits), ...(allowedModels && { allowedModels }) } }
}

interface StoredPolicies {
  orgId: string
  projectId: string | null
  projectPolicy: unknown
  orgPolicy: unknown
  /** null: nobody set one yet. */
  platformPolicy: unknown
}

/** The levels over a caller beside its key, as they are stored; those without a rule are left out. */
export function policyLevels({ orgId, projectId, projectPolicy, orgPolicy, platformPolicy }: StoredPolicies): PolicyLevel[] {
  const levels: PolicyLevel[] = [
    ...projectId === null ? [] : [{ scope: 'project' as const, id: projectId, policy: Policy.parse(projectPolicy ?? {}) }],
    { scope: 'org', id: orgId, policy: Policy.parse(orgPolicy ?? {}) },
    { scope: 'platform', id: PLATFORM_ID, policy: Policy.parse(platformPolicy ?? {}) }
  ]
  return levels.filter(({ policy }) => Object.keys(policy).length > 0)
}
