import { hashPassword } from 'better-auth/crypto'
import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { accounts, authSessions, users } from '../../db/schema'
import type { ResetPassword } from '../../shared/identity'
import { recordChange } from '../audit/record'
import { LoomError } from '../errors'
import { findMemberships } from './find-memberships'
import { findResetUser, lockPasswordUser, takeResetLink } from './reset-links'
import { forgetAccountFailures } from './sign-in-limits'

/**
 * Sets a new password by a link. Every session ends; a second factor stays as it is. The audit log of each org the user is in tells it.
 * @throws {LoomError} `not_found` when the link is not valid (any more), or its user has no password or is deactivated: which of them is nobody's business
 */
export async function resetPassword(orm: Orm, { token, password }: ResetPassword, ip: string | null): Promise<void> {
  // Hashing is dear: nobody has it done without a link.
  const userId = await findResetUser(orm, token)
  if (userId === undefined) throw notValid()
  const passwordHash = await hashPassword(password)
  await orm.transaction(async (transaction) => {
    const user = await lockPasswordUser(transaction, eq(users.id, userId))
    if (!user || !await takeResetLink(transaction, token)) throw notValid()
    await transaction.update(accounts).set({ password: passwordHash, updatedAt: new Date() }).where(and(eq(accounts.userId, user.id), eq(accounts.providerId, 'credential')))
    await transaction.delete(authSessions).where(eq(authSessions.userId, user.id))
    await forgetAccountFailures(transaction, user.email)
    await record(transaction, user.id, ip)
  })
}

async function record(transaction: Orm, userId: string, ip: string | null): Promise<void> {
  const orgs = await findMemberships(transaction, userId)
  // Each is locked until the end: in one order, so that two wait for no circle.
  for (const { id: orgId, role } of orgs.sort((one, other) => one.id < other.id ? -1 : 1)) {
    const principal = { kind: 'session', userId, orgId, role, platformAdmin: false, projectId: null, keyId: null, ip } as const
    await recordChange(transaction, { principal, ip }, { action: 'user.reset_password', target: `user:${userId}` })
  }
}

function notValid(): LoomError {
  return new LoomError('not_found', 'This link is not valid any more. Ask for a new one.')
}
