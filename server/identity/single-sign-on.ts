import type { Orm } from '../../db/client'
import { withinDeadline } from '../../db/within-deadline'
import type { Config } from '../config'
import type { Keyring } from '../crypto/keyring'
import { LoomError } from '../errors'
import { createAuth } from './auth'
import type { Auth } from './auth'
import { SSO_PROVIDER } from './sso-provider'
import { readSso } from './sso-settings'

/** A provider's keys and addresses change now and then. */
const DISCOVERED_FOR_MS = 10 * 60_000
const DISCOVERY_DEADLINE_MS = 10_000

/**
 * Signing in at an OpenID Connect provider. It has a sign-in library of its own, made when somebody comes, so that neither start nor
 * passwords depend on the provider; what it writes (users, sessions, cookies) is the same.
 */
export class SingleSignOn {
  private made: { settings: string, until: number, auth: Auth } | undefined

  constructor(private readonly orm: Orm, private readonly keyring: Keyring, private readonly config: Config) {}

  /**
   * The library as it is set up now, on whichever replica that was done.
   * @throws {LoomError} `not_found` when it is not set up, `service_unavailable` when the provider does not answer
   */
  async auth(): Promise<Auth> {
    const sso = this.config.APP_URL ? await readSso(this.orm, this.keyring, this.config) : undefined
    if (!sso) throw new LoomError('not_found', 'Single sign-on is not set up here.')
    const settings = JSON.stringify(sso)
    if (this.made?.settings === settings && Date.now() < this.made.until) return this.made.auth
    const auth = createAuth(this.config, this.orm, this.keyring, sso)
    await requireProvider(auth)
    this.made = { settings, until: Date.now() + DISCOVERED_FOR_MS, auth }
    return auth
  }
}

/** The library leaves out a provider that it could not discover. */
async function requireProvider(auth: Auth): Promise<void> {
  const unavailable = (cause?: unknown) => new LoomError('service_unavailable', 'The identity provider does not answer. Try again shortly, or log in with your password.', { cause, retryAfterSeconds: 5 })
  const context = await withinDeadline(DISCOVERY_DEADLINE_MS, auth.$context).catch((cause: unknown) => {
    throw unavailable(cause)
  })
  if (!context.socialProviders.some(({ id }) => id === SSO_PROVIDER)) throw unavailable()
}
