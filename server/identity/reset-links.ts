import { and, eq, isNotNull, isNull, like, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { accounts, authVerifications, users } from '../../db/schema'
import type { ResetLink } from '../../shared/identity'
import { generateInvitationToken, hashInvitationToken } from './invitation-token'

const VALID_MINUTES = 60
const PREFIX = 'reset-password:'

const identifierOf = (token: string) => PREFIX + hashInvitationToken(token)

/** Makes the one link that sets a new password for the user; those made before lead nowhere from now on. `appUrl` is where it leads. */
export async function makeResetLink(transaction: Orm, userId: string, appUrl: string): Promise<ResetLink> {
  const token = generateInvitationToken()
  const expiresAt = new Date(Date.now() + VALID_MINUTES * 60_000)
  await forgetResetLinks(transaction, userId)
  await transaction.insert(authVerifications).values({ identifier: identifierOf(token), value: userId, expiresAt })
  return { url: new URL(`/reset-password?token=${token}`, appUrl).href, expiresAt: expiresAt.toISOString() }
}

/** Whoever else holds a link must not use it any more. */
export async function forgetResetLinks(orm: Orm, userId: string): Promise<void> {
  await orm.delete(authVerifications).where(and(eq(authVerifications.value, userId), like(authVerifications.identifier, `${PREFIX}%`)))
}

/** Whose link it is; undefined for one that is none, was used, or is over. */
export async function findResetUser(orm: Orm, token: string): Promise<string | undefined> {
  const [found] = await orm.select({ userId: authVerifications.value }).from(authVerifications).where(isOpen(token))
  return found?.userId
}

/** Uses it up; false where it has been meanwhile. To be called with its user locked. */
export async function takeResetLink(transaction: Orm, token: string): Promise<boolean> {
  const taken = await transaction.delete(authVerifications).where(isOpen(token)).returning({ id: authVerifications.id })
  return taken.length > 0
}

function isOpen(token: string): SQL | undefined {
  return and(eq(authVerifications.identifier, identifierOf(token)), sql`${authVerifications.expiresAt} > now()`)
}

/** Whoever has a password to be set anew: nobody who is deactivated, or signs in by an identity provider alone. Locked until the transaction ends. */
export async function lockPasswordUser(transaction: Orm, which: SQL): Promise<{ id: string, email: string } | undefined> {
  const [user] = await transaction
    .select({ id: users.id, email: users.email })
    .from(users)
    .innerJoin(accounts, and(eq(accounts.userId, users.id), eq(accounts.providerId, 'credential'), isNotNull(accounts.password)))
    .where(and(which, isNull(users.deactivatedAt)))
    .for('update', { of: users })
  return user
}
