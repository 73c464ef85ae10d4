import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { apiKeys } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { lockKey } from './lock-key'
import { notifyKeyChange } from './notify-key-change'

/**
 * Revokes a key for good; its row stays, since the ledger names it. Every replica refuses it within a second.
 * @throws {LoomError} `not_found`, `forbidden`, or `conflict` when it was revoked already
 */
export async function revokeKey(orm: Orm, author: Author, keyId: string): Promise<void> {
  await orm.transaction(async (transaction) => {
    const key = await lockKey(transaction, author.principal, keyId)
    await revokeLockedKey(transaction, author, key)
  })
}

/** Revokes a key whose row the transaction holds. */
export async function revokeLockedKey(transaction: Orm, author: Author, key: Pick<typeof apiKeys.$inferSelect, 'id' | 'name' | 'keyHash' | 'previousKeyHash'>): Promise<void> {
  await transaction
    .update(apiKeys)
    .set({ status: 'revoked', revokedAt: new Date() })
    .where(and(eq(apiKeys.id, key.id), eq(apiKeys.orgId, author.principal.orgId)))
  await recordChange(transaction, author, { action: 'key.revoke', target: `key:${key.id}`, before: { name: key.name, status: 'active' }, after: { status: 'revoked' } })
  await notifyKeyChange(transaction, key)
}
