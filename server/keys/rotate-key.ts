import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { apiKeys } from '../../db/schema'
import type { CreatedApiKey, RotateKey } from '../../shared/keys'
import { KeyLimits } from '../../shared/policy'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import { generateKey, hashKey, shownPrefix } from './key-format'
import { lockKey } from './lock-key'
import { notifyKeyChange } from './notify-key-change'
import { requireGrantable } from './require-grantable'
import { selectKeys } from './select-keys'

const HOUR_MS = 60 * 60 * 1000

/**
 * Gives a key a new secret; the one so far stays valid for the overlap. It remains the same key to limits, budgets, traces and
 * the ledger. The new secret is in the answer and nowhere else.
 * @throws {LoomError} `not_found`; `forbidden` for a key that somebody else made, unless it is a service key, and for one that could do more than its
 * author; `conflict` when it is revoked or expired, or while an earlier overlap runs, unless the overlap is 0
 */
export async function rotateKey(orm: Orm, author: Author, keyId: string, { overlapHours }: RotateKey): Promise<CreatedApiKey> {
  const { principal } = author
  const secret = generateKey()
  const now = new Date()
  return orm.transaction(async (transaction) => {
    const key = await lockKey(transaction, principal, keyId)
    // Whoever rotates a key holds it, and a key acts as its maker: nobody may become another so.
    if (!key.isService && key.createdBy !== principal.userId) throw new LoomError('forbidden', 'Only who made a key rotates it. Revoke it, and create another.')
    if (key.expiresAt !== null && key.expiresAt <= now) throw new LoomError('conflict', 'This key has expired. Create a new one.')
    if (overlapHours > 0 && key.previousExpiresAt !== null && key.previousExpiresAt > now) {
      throw new LoomError('conflict', `The secret before this one is still valid until ${key.previousExpiresAt.toISOString()}. Wait, or rotate with an overlap of 0, which ends both at once.`, { param: 'overlapHours' })
    }
    await requireGrantable(transaction, principal, { ...key, limits: KeyLimits.parse(key.limits) }, keyId)
    const previous = overlapHours > 0
      ? { previousKeyHash: key.keyHash, previousExpiresAt: new Date(now.getTime() + overlapHours * HOUR_MS), previousLastUsedAt: key.lastUsedAt }
      : { previousKeyHash: null, previousExpiresAt: null, previousLastUsedAt: null }
    const isThisKey = and(eq(apiKeys.id, keyId), eq(apiKeys.orgId, principal.orgId))
    const keyHash = hashKey(secret)
    await transaction.update(apiKeys).set({ ...previous, keyHash, keyPrefix: shownPrefix(secret), rotatedAt: now, createdBy: principal.userId }).where(isThisKey)
    await recordChange(transaction, author, { action: 'key.rotate', target: `key:${keyId}`, before: { prefix: key.keyPrefix }, after: { prefix: shownPrefix(secret), overlapHours } })
    await notifyKeyChange(transaction, key)
    await notifyKeyChange(transaction, { keyHash, previousKeyHash: null })
    const [rotated] = await selectKeys(transaction, author.principal, isThisKey)
    if (!rotated) throw new Error('The key just written cannot be read')
    return { ...rotated, key: secret }
  })
}
