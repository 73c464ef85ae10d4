import { and, eq, isNull, or, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { apiKeys, orgMembers, orgs, projects, users } from '../../db/schema'
import { LoomError } from '../errors'
import type { Principal } from '../identity/principal'
import { keyLevel, platformPolicySql, policyLevels } from '../policy/policy-levels'
import { addressRule } from '../policy/static-rules'
import { hashKey, isWellFormedKey } from './key-format'

/** How far behind `last_used_at` may be, so that reading does not always mean writing. */
const LAST_USED_STEP = sql`interval '1 minute'`

/**
 * The principal behind a key with the scope `workspace`: its creator, with the role they have in the key's org now, in the key's
 * project if it has one. Never a platform admin: a key stays in its org.
 * @throws {LoomError} `invalid_api_key` when it is mistyped, unknown, revoked, expired, used from elsewhere, or its creator left; `insufficient_scope`; `forbidden` from where its project, org or the installation allow no calls
 */
export async function authenticateWorkspaceKey(orm: Orm, key: string, ip: string | null): Promise<Principal> {
  if (!isWellFormedKey(key)) throw new LoomError('invalid_api_key', 'This is not a Loom API key, or it was mistyped: its checksum does not match. Copy it again.')
  const hash = hashKey(key)
  const [found] = await orm
    .select({ id: apiKeys.id, keyHash: apiKeys.keyHash, orgId: apiKeys.orgId, projectId: apiKeys.projectId, scopes: apiKeys.scopes, limits: apiKeys.limits, userId: orgMembers.userId, role: orgMembers.role, orgPolicy: orgs.policy, projectPolicy: projects.policy, platformPolicy: platformPolicySql })
    .from(apiKeys)
    .innerJoin(orgs, and(eq(orgs.id, apiKeys.orgId), eq(orgs.status, 'active'), isNull(orgs.deletedAt)))
    .innerJoin(users, and(eq(users.id, apiKeys.createdBy), isNull(users.deactivatedAt)))
    .innerJoin(orgMembers, and(eq(orgMembers.orgId, apiKeys.orgId), eq(orgMembers.userId, apiKeys.createdBy)))
    .leftJoin(projects, and(eq(projects.id, apiKeys.projectId), eq(projects.orgId, apiKeys.orgId)))
    .where(and(isNull(projects.deletedAt), isPresentedKey(hash), eq(apiKeys.status, 'active'), sql`(${apiKeys.expiresAt} is null or ${apiKeys.expiresAt} > now())`))
  if (!found) throw new LoomError('invalid_api_key', 'This API key is unknown, revoked or expired. Create a new one under Keys.')
  if (addressRule(keyLevel({ ...found, allowedModels: null }))?.refuse({ ip })) throw new LoomError('invalid_api_key', 'This API key may not be used from this address.')
  if (!found.scopes.includes('workspace')) throw new LoomError('insufficient_scope', 'This call needs an API key with the scope `workspace`.')
  for (const level of policyLevels(found)) {
    const refusal = addressRule(level)?.refuse({ ip })
    if (refusal) throw refusal
  }
  const used = hash === found.keyHash ? [apiKeys.lastUsedAt] : [apiKeys.lastUsedAt, apiKeys.previousLastUsedAt]
  await orm
    .update(apiKeys)
    .set({ lastUsedAt: sql`now()`, ...hash !== found.keyHash && { previousLastUsedAt: sql`now()` } })
    .where(and(eq(apiKeys.id, found.id), eq(apiKeys.orgId, found.orgId), or(...used.map(column => sql`(${column} is null or ${column} < now() - ${LAST_USED_STEP})`))))
  return { kind: 'key', userId: found.userId, orgId: found.orgId, role: found.role, platformAdmin: false, projectId: found.projectId, keyId: found.id, ip }
}

/** Its secret, or the one before it while that is still valid. */
function isPresentedKey(hash: string) {
  return or(eq(apiKeys.keyHash, hash), and(eq(apiKeys.previousKeyHash, hash), sql`${apiKeys.previousExpiresAt} > now()`))
}
