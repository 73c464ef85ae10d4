import { and, eq, gt, isNull, lte, or } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { apiKeys } from '../../db/schema'
import type { KeyStatus } from '../../shared/keys'

/** Keys that are so now, as `ApiKey` tells it. */
export function hasStatus(status: KeyStatus): SQL | undefined {
  if (status === 'revoked') return eq(apiKeys.status, 'revoked')
  const now = new Date()
  return and(eq(apiKeys.status, 'active'), status === 'expired' ? lte(apiKeys.expiresAt, now) : or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, now)))
}
