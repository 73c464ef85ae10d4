import { APIError } from 'better-auth/api'
import type { H3Event } from 'h3'
import { appendResponseHeader, getRequestHeader } from 'h3'
import { databaseUnavailable, LoomError } from '../errors'
import { authenticateWorkspaceKey } from '../keys/authenticate-workspace-key'
import { hashKey } from '../keys/key-format'
import type { Runtime } from '../runtime'
import type { Auth } from './auth'
import { SESSION_REFRESH_SECONDS, SESSION_SECONDS } from './auth'
import type { FoundSession } from './find-session'
import { endRacedSession, findSession } from './find-session'
import type { Principal } from './principal'

/**
 * Who is calling: an API key with the scope `workspace` when one is sent, else the session of the cookie; null for a
 * stranger, and for someone whose orgs are all inactive.
 * @throws {LoomError} `invalid_api_key` or `insufficient_scope` when a key is sent that may not do this, `rate_limit_exceeded` when too many wrong ones came from `ip`
 */
export async function resolvePrincipal(event: H3Event, runtime: Runtime, ip: string | null): Promise<Principal | null> {
  const key = presentedKey(event)
  if (key !== undefined) return resolveKey(runtime, key, ip)
  const cookie = getRequestHeader(event, 'cookie')
  return cookie === undefined ? null : resolveSession(event, runtime, cookie, ip)
}

async function resolveKey({ db, gateway: { guesses } }: Runtime, key: string, ip: string | null): Promise<Principal> {
  const keyHash = hashKey(key)
  guesses.admit(ip, keyHash)
  try {
    const principal = await authenticateWorkspaceKey(db.orm, key, ip)
    guesses.proved(keyHash)
    return principal
  } catch (error) {
    if (error instanceof LoomError && error.code === 'invalid_api_key') guesses.failed(ip, keyHash)
    throw error
  }
}

async function resolveSession(event: H3Event, { auth, db }: Runtime, cookie: string, ip: string | null): Promise<Principal | null> {
  const token = await auth.api.readSessionToken({ headers: new Headers({ cookie }) })
  if (!token) return null
  const session = await findSession(db.orm, token)
  if (!session) await endRacedSession(db.orm, token)
  const isAlive = (session && !isDue(session)) || await renewSession(event, auth, cookie)
  if (!isAlive || !session?.org) return null
  const { userId, platformAdmin, org } = session
  return { kind: 'session', userId, orgId: org.id, role: org.role, platformAdmin, projectId: null, keyId: null, ip }
}

/** Whether a session is to be prolonged, as it is once a day, or is over. */
function isDue({ expiresAt }: FoundSession): boolean {
  return expiresAt.getTime() - (SESSION_SECONDS - SESSION_REFRESH_SECONDS) * 1_000 <= Date.now()
}

/** Has the sign-in library prolong a session in use, and take a dead one's cookie away; false for a dead one. */
async function renewSession(event: H3Event, auth: Auth, cookie: string): Promise<boolean> {
  const { response, headers } = await auth.api.getSession({ headers: new Headers({ cookie }), returnHeaders: true }).catch((cause: unknown) => {
    // The library keeps its reason to itself; a session that cannot be read has but one.
    throw cause instanceof APIError && cause.statusCode >= 500 ? databaseUnavailable(cause) : cause
  })
  for (const setCookie of headers.getSetCookie()) appendResponseHeader(event, 'set-cookie', setCookie)
  return response !== null
}

/** The key as SDKs send it. A bearer token that is no key is refused as one, never ignored. */
function presentedKey(event: H3Event): string | undefined {
  const authorization = getRequestHeader(event, 'authorization')
  if (authorization && /^bearer /i.test(authorization)) return authorization.slice('bearer '.length).trim()
  return getRequestHeader(event, 'x-api-key')?.trim()
}
