import { and, desc, eq } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { apiKeys, orgMembers, projects, users } from '../../db/schema'
import type { ApiKey } from '../../shared/keys'
import { EXPIRY_WARNING_MS, KeyScope } from '../../shared/keys'
import { KeyLimits } from '../../shared/policy'
import type { Reader } from '../projects/scope'
import { projectsNamedTo } from '../projects/scope'
import { versionOf } from '../versions/version-of'

/** The newest `limit` keys that a condition finds, newest first, as lists show them to `reader`. The condition names the org. */
export async function selectKeys(orm: Orm, reader: Reader, condition: SQL | undefined, limit = 1): Promise<ApiKey[]> {
  const rows = await orm
    .select({ key: apiKeys, creator: { id: users.id, name: users.name }, projectName: projects.name, membershipId: orgMembers.id })
    .from(apiKeys)
    .leftJoin(users, eq(users.id, apiKeys.createdBy))
    .leftJoin(projects, and(projectsNamedTo(reader), eq(projects.id, apiKeys.projectId)))
    .leftJoin(orgMembers, and(eq(orgMembers.orgId, apiKeys.orgId), eq(orgMembers.userId, apiKeys.createdBy)))
    .where(condition)
    .orderBy(desc(apiKeys.id))
    .limit(limit)
  return rows.map(({ key, creator, projectName, membershipId }) => toApiKey(key, creator, projectName, membershipId === null))
}

/** What of a key can be changed. */
export function keyFields({ name, scopes, allowedModels, limits, cacheTtlSeconds, expiresAt }: typeof apiKeys.$inferSelect) {
  return { name, scopes, allowedModels, limits: KeyLimits.parse(limits), cacheTtlSeconds, expiresAt }
}

function toApiKey(row: typeof apiKeys.$inferSelect, creator: ApiKey['createdBy'], projectName: string | null, makerLeft: boolean): ApiKey {
  const leftMs = row.expiresAt === null ? Infinity : row.expiresAt.getTime() - Date.now()
  const previousEndsAt = row.previousExpiresAt !== null && row.previousExpiresAt.getTime() > Date.now() ? row.previousExpiresAt : null
  return {
    id: row.id,
    version: versionOf(keyFields(row)),
    name: row.name,
    prefix: row.keyPrefix,
    scopes: KeyScope.array().parse(row.scopes),
    projectId: row.projectId,
    projectName,
    allowedModels: row.allowedModels,
    limits: KeyLimits.parse(row.limits),
    cacheTtlSeconds: row.cacheTtlSeconds,
    status: row.status === 'active' && leftMs <= 0 ? 'expired' : row.status,
    expiresSoon: row.status === 'active' && leftMs > 0 && leftMs <= EXPIRY_WARNING_MS,
    service: row.isService,
    createdBy: creator,
    makerLeft,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    rotatedAt: row.rotatedAt?.toISOString() ?? null,
    previous: row.status === 'active' && previousEndsAt ? { expiresAt: previousEndsAt.toISOString(), lastUsedAt: row.previousLastUsedAt?.toISOString() ?? null } : null
  }
}
