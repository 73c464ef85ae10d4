import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { users } from '../../db/schema'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import { endSessions } from '../identity/end-sessions'
import { forgetResetLinks } from '../identity/reset-links'

/**
 * Logs a user out wherever they are logged in; they may log in again. A link to set a new password leads nowhere any more.
 * @throws {LoomError} `not_found`
 */
export async function signOutUser(orm: Orm, author: Author, userId: string): Promise<void> {
  await orm.transaction(async (transaction) => {
    const [user] = await transaction.select({ id: users.id }).from(users).where(eq(users.id, userId)).for('update')
    if (!user) throw new LoomError('not_found', 'There is no user with this id.')
    await endSessions(transaction, author, userId)
    await forgetResetLinks(transaction, userId)
  })
}
