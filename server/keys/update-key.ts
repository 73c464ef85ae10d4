import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { apiKeys } from '../../db/schema'
import type { ApiKey, UpdateKey } from '../../shared/keys'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import { lockKey } from './lock-key'
import { notifyKeyChange } from './notify-key-change'
import { requireGrantable } from './require-grantable'
import { keyFields, selectKeys } from './select-keys'
import { requireVersion } from '../versions/require-version'

/**
 * Changes what `change` names; every replica heeds it within a second.
 * @param version of the key as the author saw it; undefined: whatever it is now
 * @throws {LoomError} `not_found`, `forbidden`, or `conflict` for a revoked key, and for one that is another by now
 */
export async function updateKey(orm: Orm, author: Author, keyId: string, change: UpdateKey, version?: string): Promise<ApiKey> {
  const { orgId } = author.principal
  return orm.transaction(async (transaction) => {
    const key = await lockKey(transaction, author.principal, keyId)
    const before = keyFields(key)
    await requireVersion(transaction, { orgId, target: `key:${keyId}`, actions: ['key.update'], fields: before, expected: version })
    const after = { ...before, ...change }
    if (key.isService && after.scopes.includes('workspace')) throw new LoomError('invalid_request', 'A service key acts for nobody, so it cannot have the scope workspace.', { param: 'scopes' })
    await requireGrantable(transaction, author.principal, { ...after, projectId: key.projectId }, keyId)
    const isThisKey = and(eq(apiKeys.id, keyId), eq(apiKeys.orgId, orgId))
    await transaction.update(apiKeys).set(after).where(isThisKey)
    await recordChange(transaction, author, { action: 'key.update', target: `key:${keyId}`, before, after })
    await notifyKeyChange(transaction, key)
    const [updated] = await selectKeys(transaction, author.principal, isThisKey)
    if (!updated) throw new Error('The key just written cannot be read')
    return updated
  })
}
