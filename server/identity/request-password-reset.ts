import { eq } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { users } from '../../db/schema'
import type { Mailer } from '../alerts/mailer'
import type { Config } from '../config'
import { LoomError } from '../errors'
import type { Runtime } from '../runtime'
import { lockPasswordUser, makeResetLink } from './reset-links'
import { countResetRequest } from './sign-in-limits'

type ResetRuntime = Pick<Runtime, 'db' | 'log' | 'mailer'> & { config: Pick<Config, 'APP_URL'> }

/** Where links are mailed: without `APP_URL` a caller could choose, by the `Host` they send, where a link to somebody's account leads. */
export function mailsResetLinks({ APP_URL, SMTP_URL }: Pick<Config, 'APP_URL' | 'SMTP_URL'>): boolean {
  return APP_URL !== undefined && SMTP_URL !== undefined
}

/**
 * Mails a link that sets a new password to whoever has this address and a password. It is done after the answer, which tells neither by its words nor by its time whether anybody has.
 * @throws {LoomError} `forbidden` where no links are mailed, `rate_limit_exceeded` when too many were asked for of the address or from `ip`
 */
export async function requestPasswordReset(runtime: ResetRuntime, email: string, ip: string | null): Promise<void> {
  const { config: { APP_URL: appUrl }, db, log, mailer } = runtime
  if (!mailer || appUrl === undefined) throw new LoomError('forbidden', 'This installation mails no links. Ask whoever runs it for one.')
  await countResetRequest(db.orm, email, ip)
  mailLink(runtime, mailer, email, appUrl).catch((error: unknown) => log.error({ err: error }, 'A link to set a new password could not be made'))
}

async function mailLink({ db, log }: ResetRuntime, mailer: Mailer, email: string, appUrl: string): Promise<void> {
  const link = await db.orm.transaction(async (transaction) => {
    const user = await lockPasswordUser(transaction, eq(users.email, email))
    return user && makeResetLink(transaction, user.id, appUrl)
  })
  if (!link) return
  const { delivered, error } = await mailer.send({ id: uuidv7(), to: email, subject: '[Loom] Set a new password', text: toText(link.url, appUrl) })
  if (!delivered) log.warn({ reason: error }, 'A link to set a new password could not be mailed')
}

function toText(url: string, appUrl: string): string {
  return [
    `Somebody, you as we hope, has asked to set a new password for your account at ${appUrl}. This link does, once and within an hour:`,
    url,
    'You will be logged out wherever you are logged in. If it was not you, do nothing: your password stays as it is.'
  ].join('\n\n')
}
