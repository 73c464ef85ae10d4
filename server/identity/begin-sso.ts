import type { z } from 'zod'
import type { BeginSso } from '../../shared/sso'
import { SsoStart } from '../../shared/sso'
import { LoomError } from '../errors'
import type { Runtime } from '../runtime'
import { refuseAuthFailure } from './refuse-auth-failure'
import { isSetupNeeded } from './setup'
import { SSO_PROVIDER } from './sso-provider'

interface Begun {
  /** At the provider. */
  url: string
  /** What the browser shows when it comes back, so that nobody else can come back in its place. */
  cookies: string[]
}

/**
 * Begins to sign in, or with `link` to connect who is signed in. A failure comes back to the same place with `?error=`.
 * @throws {LoomError} `not_found` when it is not set up, `service_unavailable` when the provider does not answer
 */
export async function beginSso({ sso, config, db }: Pick<Runtime, 'sso' | 'config' | 'db'>, { next, link }: z.infer<typeof BeginSso>, headers: Record<string, string>): Promise<Begun> {
  if (await isSetupNeeded(db.orm)) throw new LoomError('forbidden', 'Set Loom up first: whoever comes by single sign-on would be the first user, and no administrator.')
  const auth = await sso.auth()
  const { APP_URL } = config
  if (!APP_URL) throw new LoomError('not_found', 'Single sign-on needs APP_URL.')
  // As a request, for the library reads its own address from one.
  const response = await auth.handler(new Request(new URL(link ? '/api/auth/link-social' : '/api/auth/sign-in/social', APP_URL), {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', 'origin': APP_URL },
    body: JSON.stringify({ provider: SSO_PROVIDER, callbackURL: next, errorCallbackURL: link ? next : '/login', disableRedirect: true })
  }))
  await refuseAuthFailure(response)
  return { url: SsoStart.parse(await response.json()).url, cookies: response.headers.getSetCookie() }
}
