import { and, eq } from 'drizzle-orm'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { apiKeys } from '../../db/schema'
import { LoomError } from '../errors'
import { callerForUser } from '../gateway/caller'
import type { Caller } from '../gateway/caller'
import type { Principal } from '../identity/principal'
import { keyLevel } from '../policy/policy-levels'
import { KeyScope } from '../../shared/keys'

const KeyScopes = z.array(KeyScope)

/**
 * Who an answer in `projectId` (null: in none) is called for and charged to. A key stays bound by its scopes, models and limits here as on `/v1`: with
 * `workspace` alone it may read and write conversations, but without `inference` no model answers it.
 * @throws {LoomError} `forbidden` for who is no member any more, `invalid_api_key` for a key revoked meanwhile
 */
export async function findCaller(orm: Orm, { orgId, userId, keyId }: Principal, projectId: string | null): Promise<Caller> {
  if (keyId === null) return callerForUser(orm, { orgId, userId, projectId })
  const [key] = await orm
    .select({ id: apiKeys.id, scopes: apiKeys.scopes, allowedModels: apiKeys.allowedModels, limits: apiKeys.limits })
    .from(apiKeys)
    .where(and(eq(apiKeys.orgId, orgId), eq(apiKeys.id, keyId), eq(apiKeys.status, 'active')))
  if (!key) throw new LoomError('invalid_api_key', 'This API key was revoked. Create a new one under Keys.')
  const member = await callerForUser(orm, { orgId, userId, projectId }, keyLevel(key))
  return { ...member, apiKeyId: keyId, scopes: new Set(KeyScopes.parse(key.scopes)) }
}
