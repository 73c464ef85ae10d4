import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { accounts, users } from '../../db/schema'
import type { Account } from '../../shared/identity'
import { LoomError } from '../errors'
import { SSO_PROVIDER } from './sso-provider'

/**
 * A user's own account.
 * @throws {LoomError} `not_found` when it was deleted meanwhile
 */
export async function getAccount(orm: Orm, userId: string): Promise<Account> {
  const [user] = await orm.select().from(users).where(eq(users.id, userId))
  if (!user) throw new LoomError('not_found', 'This account does not exist any more.')
  const ways = await orm.select({ providerId: accounts.providerId }).from(accounts).where(eq(accounts.userId, userId))
  return {
    name: user.name,
    email: user.email,
    hasPassword: ways.some(({ providerId }) => providerId === 'credential'),
    hasSso: ways.some(({ providerId }) => providerId === SSO_PROVIDER),
    twoFactor: user.twoFactorEnabled,
    createdAt: user.createdAt.toISOString()
  }
}
