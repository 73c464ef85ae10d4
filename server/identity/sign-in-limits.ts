import type { Orm } from '../../db/client'
import { LoomError } from '../errors'
import { networkOf } from '../keys/network-of'
import type { AttemptWindow } from './attempt-counts'
import { countAttempt, forgetAttempt, forgetAttempts } from './attempt-counts'

const WINDOW_SECONDS = 15 * 60
const ACCOUNT: AttemptWindow = { max: 10, seconds: WINDOW_SECONDS }
/** Higher, as an office may share one address. */
const ADDRESS: AttemptWindow = { max: 50, seconds: WINDOW_SECONDS }

const TOO_MANY_FAILURES = 'Too many failed sign-ins. Wait a while, then try again.'
const TOO_MANY_LINKS = 'Too many links were asked for. Look for a mail that came, or wait a while.'

/** A link asked for is a mail sent to somebody: fewer an hour. */
const RESET_ACCOUNT: AttemptWindow = { max: 3, seconds: 60 * 60 }
const RESET_ADDRESS: AttemptWindow = { max: 20, seconds: WINDOW_SECONDS }

const accountName = (email: string) => `sign-in:account:${email}`
const addressName = (ip: string | null) => `sign-in:address:${ip === null ? 'unknown' : networkOf(ip)}`

/**
 * Counts an attempt to sign in, of the account and of the address, on all replicas together, before the password is looked at: many at
 * once cannot all slip through. An unknown account counts like a known one, so the limit tells nothing.
 * @throws {LoomError} `rate_limit_exceeded` after too many failures
 */
export async function beginSignIn(orm: Orm, email: string, ip: string | null): Promise<void> {
  await take(orm, addressName(ip), ADDRESS)
  await take(orm, accountName(email), ACCOUNT)
}

/** Takes the attempt back: only failures count. */
export async function succeedSignIn(orm: Orm, email: string, ip: string | null): Promise<void> {
  await forgetAccountFailures(orm, email)
  await forgetAttempt(orm, addressName(ip))
}

/** Who has just proved to be the account's owner signs in at once, however many have guessed. */
export async function forgetAccountFailures(orm: Orm, email: string): Promise<void> {
  await forgetAttempts(orm, accountName(email))
}

/**
 * Counts a request for a link to set a new password, of the account, known or not, and of the address.
 * @throws {LoomError} `rate_limit_exceeded` after too many
 */
export async function countResetRequest(orm: Orm, email: string, ip: string | null): Promise<void> {
  await take(orm, `reset:${addressName(ip)}`, RESET_ADDRESS, TOO_MANY_LINKS)
  await take(orm, `reset:${accountName(email)}`, RESET_ACCOUNT, TOO_MANY_LINKS)
}

async function take(orm: Orm, name: string, window: AttemptWindow, message = TOO_MANY_FAILURES): Promise<void> {
  const { allowed, secondsLeft } = await countAttempt(orm, name, window)
  if (!allowed) throw new LoomError('rate_limit_exceeded', message, { retryAfterSeconds: secondsLeft })
}
