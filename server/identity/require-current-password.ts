import { verifyPassword } from 'better-auth/crypto'
import { and, eq, gt, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { accounts, authSessions } from '../../db/schema'
import { LoomError } from '../errors'

/**
 * A sign-in reads what the password is checked by, takes its time to check, and makes a session then: where a new password was set meanwhile, all sessions there were
 * ended, and this one was not there yet. It ends here. Asked again is only where a password is ten minutes old at most, for a check is dear.
 * @throws {LoomError} `unauthenticated` where the password is not the one in force
 */
export async function requireCurrentPassword(orm: Orm, { userId, token }: { userId: string, token: string }, password: string): Promise<void> {
  const [account] = await orm.select({ hash: accounts.password }).from(accounts)
    .where(and(eq(accounts.userId, userId), eq(accounts.providerId, 'credential'), gt(accounts.updatedAt, sql`now() - interval '10 minutes'`)))
  if (!account?.hash || await verifyPassword({ hash: account.hash, password })) return
  await orm.delete(authSessions).where(eq(authSessions.token, token))
  throw new LoomError('unauthenticated', 'The password was changed while you signed in. Sign in with the new one.')
}
