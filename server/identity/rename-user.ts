import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { users } from '../../db/schema'
import type { Account } from '../../shared/identity'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { getAccount } from './get-account'

/** Gives the author another name, wherever it is shown. */
export async function renameUser(orm: Orm, author: Author, name: string): Promise<Account> {
  const { userId } = author.principal
  return orm.transaction(async (transaction) => {
    const before = await getAccount(transaction, userId)
    await transaction.update(users).set({ name }).where(eq(users.id, userId))
    await recordChange(transaction, author, { action: 'user.rename', target: `user:${userId}`, before: { name: before.name }, after: { name } })
    return { ...before, name }
  })
}
