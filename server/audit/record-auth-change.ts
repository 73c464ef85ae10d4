import type { Orm } from '../../db/client'
import { recordChange } from './record'
import type { Author } from './record'

/** What users change about their own way in, by the call that does it. */
const actions: Record<string, string> = {
  'POST change-password': 'user.change_password',
  'POST two-factor/verify-totp': 'user.enable_two_factor',
  'POST two-factor/disable': 'user.disable_two_factor',
  'POST two-factor/generate-backup-codes': 'user.replace_backup_codes',
  'POST unlink-account': 'user.disconnect_sso',
  'GET callback/sso': 'user.connect_sso'
}

/** Writes down what the sign-in library has just done for somebody who is signed in, in the org they are in. Its own transaction is over by then. */
export async function recordAuthChange(orm: Orm, author: Author, call: string): Promise<void> {
  const action = actions[call]
  if (action) await orm.transaction(transaction => recordChange(transaction, author, { action, target: `user:${author.principal.userId}` }))
}
