import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { users } from '../../db/schema'
import type { ResetLink } from '../../shared/identity'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import { lockPasswordUser, makeResetLink } from '../identity/reset-links'

/**
 * A link for somebody who has forgotten their password, to be handed to them: whoever opens it is them. It is in the answer and nowhere else.
 * @throws {LoomError} `conflict` for oneself, and for somebody who has no password, or is deactivated; `not_found`
 */
export async function createResetLink(orm: Orm, author: Author, userId: string, appUrl: string): Promise<ResetLink> {
  if (userId === author.principal.userId) throw new LoomError('conflict', 'Change your own password under Account, where the present one is asked for.')
  return orm.transaction(async (transaction) => {
    const [known] = await transaction.select({ id: users.id }).from(users).where(eq(users.id, userId))
    if (!known) throw new LoomError('not_found', 'There is no user with this id.')
    if (!await lockPasswordUser(transaction, eq(users.id, userId))) throw new LoomError('conflict', 'This user has no password here, or is deactivated.')
    const link = await makeResetLink(transaction, userId, appUrl)
    await recordChange(transaction, author, { action: 'user.create_reset_link', target: `user:${userId}`, after: { expiresAt: link.expiresAt } })
    return link
  })
}
