import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { apiKeys } from '../../db/schema'
import type { MemberRole } from '../../shared/identity'
import type { Author } from '../audit/record'
import { mayGrant } from './require-grantable'
import { revokeLockedKey } from './revoke-key'

/**
 * Revokes what keys a user made in the author's org that they could not make with `role` (null: they left): whoever made a key
 * may still hold it. Service keys are the org's: they go on, and lists advise to rotate them.
 */
export async function revokeKeysBeyondRole(transaction: Orm, author: Author, userId: string, role: MemberRole | null): Promise<void> {
  const keys = await transaction
    .select({ id: apiKeys.id, name: apiKeys.name, keyHash: apiKeys.keyHash, previousKeyHash: apiKeys.previousKeyHash, scopes: apiKeys.scopes })
    .from(apiKeys)
    .where(and(eq(apiKeys.orgId, author.principal.orgId), eq(apiKeys.createdBy, userId), eq(apiKeys.status, 'active'), eq(apiKeys.isService, false)))
    .for('update')
  for (const key of keys) if (!mayGrant(role, key.scopes)) await revokeLockedKey(transaction, author, key)
}
