import { v7 as uuidv7 } from 'uuid'
import type { Orm } from '../../db/client'
import { accounts, users } from '../../db/schema'
import { LoomError } from '../errors'
import { provisionOrg } from './provision-org'
import type { WalletMode } from './make-org'

interface UserToCreate {
  name: string
  /** Lower case. */
  email: string
  /** Of `hashPassword`, made before the transaction began: it takes its time. */
  passwordHash: string
  role: 'user' | 'admin'
  walletMode: WalletMode
}

/**
 * Adds a user who signs in with a password, and an org of their own. Needs a transaction, so that no half of a user remains.
 * @throws {LoomError} `conflict` when the e-mail address is taken
 */
export async function createUser(transaction: Orm, user: UserToCreate): Promise<string> {
  const id = uuidv7()
  const added = await transaction.insert(users).values({ id, name: user.name, email: user.email, role: user.role }).onConflictDoNothing().returning({ id: users.id })
  if (added.length === 0) throw new LoomError('conflict', 'This e-mail address cannot be used. If you have an account, sign in.', { param: 'email' })
  // The shape the sign-in library looks for: its provider `credential`, named by the user's own id.
  await transaction.insert(accounts).values({ userId: id, accountId: id, providerId: 'credential', password: user.passwordHash })
  await provisionOrg(transaction, id, user.walletMode)
  return id
}
