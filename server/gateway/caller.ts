import { and, eq, isNull, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { prepareOnce } from '../../db/prepare-once'
import { orgMembers, orgs, projects, wallets } from '../../db/schema'
import { LoomError } from '../errors'
import type { Reader } from '../projects/scope'
import type { KeyScope } from '../../shared/keys'
import { keyScopes } from '../../shared/keys'
import { BudgetTimes } from '../policy/budget-window'
import { compilePolicy } from '../policy/compile-policy'
import type { CallerPolicy } from '../policy/compile-policy'
import { platformPolicySql, policyLevels } from '../policy/policy-levels'
import type { PolicyLevel } from '../policy/static-rules'

/** Who makes a call and on whose account: all that the road needs to know, resolved once. */
export interface Caller {
  orgId: string
  projectId: string | null
  apiKeyId: string | null
  /** When the secret that was shown ends; null: never, or there is none. */
  keyExpiresAtMs: number | null
  userId: string | null
  scopes: ReadonlySet<KeyScope>
  /** Every rule over the caller: of its key, project and org, and the platform's. */
  policy: CallerPolicy
  walletMode: 'prepaid' | 'unlimited'
  /** Added to what calls cost, in hundredths of a percent; below zero a discount. */
  markupBasisPoints: number
  /** What an answer from the cache costs, in hundredths of a percent of what it would cost from the provider. */
  cacheHitBasisPoints: number
  /** How long its answers are cached where a call does not say; null: not at all. */
  cacheTtlSeconds: number | null
  encryptionSalt: Buffer
  /** The number of the org's data key, of which `encryptionSalt` is the salt. */
  encryptionKeyVersion: number
  /** Whether request and response bodies are kept (encrypted) in the trace. */
  traceBodies: boolean
}

/** What the road reads of an org's settings; everything else in there is not its business. */
export const RoadSettings = BudgetTimes.extend({ traceBodies: z.boolean().default(true) })

/** Whether what its calls cost is taken from something that may run out, a prepaid wallet or a budget: what has no price is then refused, not counted as nothing. */
export function isPayer({ walletMode, policy }: Pick<Caller, 'walletMode' | 'policy'>): boolean {
  return walletMode === 'prepaid' || policy.budgets.length > 0
}

/**
 * For what concerns the org as a whole.
 * @throws {LoomError} `insufficient_scope` for a key that is bound to one project
 */
export function requireOrgWide({ projectId }: Pick<Caller, 'projectId'>): void {
  if (projectId !== null) throw new LoomError('insufficient_scope', 'This API key is bound to one project; this call needs one of the whole organisation.')
}

/** Who reads figures with a key. Beyond its own project nobody's role is behind it: it is told the names of projects that are open to the org, or to its maker by name. */
export function toReader({ orgId, projectId, userId }: Caller): Reader {
  return { orgId, projectId, userId, role: projectId === null ? 'viewer' : 'admin' }
}

const everyScope: ReadonlySet<KeyScope> = new Set(keyScopes)

const userOnAccount = prepareOnce(orm => orm
  .select({
    salt: orgs.encryptionSalt, settings: orgs.settings, walletMode: wallets.mode, markupBasisPoints: wallets.markupBasisPoints, cacheHitBasisPoints: wallets.cacheHitBasisPoints, encryptionKeyVersion: orgs.encryptionKeyVersion,
    orgPolicy: orgs.policy, projectPolicy: projects.policy, platformPolicy: platformPolicySql
  })
  .from(orgs)
  .leftJoin(projects, and(eq(projects.orgId, orgs.id), eq(projects.id, sql.placeholder('projectId'))))
  .innerJoin(wallets, eq(wallets.orgId, orgs.id))
  .innerJoin(orgMembers, and(eq(orgMembers.orgId, orgs.id), eq(orgMembers.userId, sql.placeholder('userId'))))
  .where(and(eq(orgs.id, sql.placeholder('orgId')), eq(orgs.status, 'active'), isNull(orgs.deletedAt)))
  .prepare('user_on_account'))

/**
 * The caller behind a person in the browser: the org's member, under the rules of a key only where one is given.
 * @throws {LoomError} `forbidden` when the user is no member of an active org
 */
export async function callerForUser(orm: Orm, principal: { orgId: string, userId: string, projectId: string | null }, keyLevel?: PolicyLevel): Promise<Caller> {
  const [row] = await userOnAccount(orm).execute(principal)
  if (!row) throw new LoomError('forbidden', 'You are not a member of this organisation, or it is inactive.')
  const { traceBodies, ...times } = RoadSettings.parse(row.settings)
  const levels = policyLevels({ ...principal, orgPolicy: row.orgPolicy, projectPolicy: row.projectPolicy, platformPolicy: row.platformPolicy })
  return {
    ...principal,
    apiKeyId: null,
    keyExpiresAtMs: null,
    scopes: everyScope,
    policy: compilePolicy(keyLevel ? [keyLevel, ...levels] : levels, times),
    walletMode: row.walletMode,
    markupBasisPoints: row.markupBasisPoints,
    cacheHitBasisPoints: row.cacheHitBasisPoints,
    cacheTtlSeconds: null,
    encryptionSalt: row.salt,
    encryptionKeyVersion: row.encryptionKeyVersion,
    traceBodies
  }
}
