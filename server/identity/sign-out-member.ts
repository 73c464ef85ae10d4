import type { Orm } from '../../db/client'
import type { Author } from '../audit/record'
import { endSessions } from './end-sessions'
import { lockMember } from './lock-member'

/**
 * Logs a member of the author's org out wherever they are logged in. A session is a person's, not an organisation's: it ends for all they are in.
 * @throws {LoomError} `not_found`; `forbidden` when the member's role is above the author's
 */
export async function signOutMember(orm: Orm, author: Author, memberId: string): Promise<void> {
  await orm.transaction(async (transaction) => {
    const { userId } = await lockMember(transaction, author.principal, memberId)
    await endSessions(transaction, author, userId)
  })
}
