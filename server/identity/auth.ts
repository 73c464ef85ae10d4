import { betterAuth } from 'better-auth'
import { drizzleAdapter } from 'better-auth/adapters/drizzle'
import { APIError, createAuthMiddleware } from 'better-auth/api'
import { twoFactor } from 'better-auth/plugins'
import { eq } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { accounts, authSessions, authVerifications, twoFactors, users } from '../../db/schema'
import { PASSWORD_MAX_LENGTH, PASSWORD_MIN_LENGTH } from '../../shared/identity'
import type { Config } from '../config'
import type { Keyring } from '../crypto/keyring'
import { LoomError } from '../errors'
import { authSecret } from './auth-secret'
import { joinDefaultOrg, refuseProfile } from './admit-by-sso'
import { countAttempt } from './attempt-counts'
import { getPlatformSettings } from './platform-settings'
import { provisionOrg } from './provision-org'
import { requireActive } from './require-active'
import { requireCurrentPassword } from './require-current-password'
import { forgetResetLinks } from './reset-links'
import { sessionToken } from './session-token'
import { isSetupNeeded } from './setup'
import { beginSignIn, succeedSignIn } from './sign-in-limits'
import { ssoPlugin } from './sso-provider'
import type { SsoConfig } from './sso-settings'

/** The one header the sign-in library reads the caller's address from: the mount writes it, and drops what a caller sent under this name. */
export const CLIENT_IP_HEADER = 'x-loom-client-ip'

export const SESSION_SECONDS = 30 * 24 * 60 * 60
export const SESSION_REFRESH_SECONDS = 24 * 60 * 60

const Credentials = z.object({ email: z.string().trim().toLowerCase(), password: z.string() })
const Fields = z.record(z.string(), z.unknown())

export type Auth = ReturnType<typeof createAuth>

/**
 * Sign-up, sign-in and sessions: better-auth on our tables. Sessions are looked up on every call, so that a revoked one is refused at once.
 * @param sso where people sign in at an identity provider too
 */
export function createAuth(config: Config, orm: Orm, keyring: Keyring, sso?: SsoConfig) {
  return betterAuth({
    appName: 'Loom',
    baseURL: config.APP_URL,
    basePath: '/api/auth',
    secret: authSecret(config, keyring),
    telemetry: { enabled: false },
    // Its own lines name e-mail addresses; what goes wrong is thrown to the mount instead, and logged there.
    logger: { disabled: true },
    onAPIError: { throw: true },
    trustedOrigins: request => request ? ownOrigins(request) : [],
    database: drizzleAdapter(orm, {
      provider: 'pg',
      schema: { user: users, session: authSessions, account: accounts, verification: authVerifications, twoFactor: twoFactors },
      transaction: true
    }),
    plugins: [twoFactor({ issuer: 'Loom' }), sessionToken(), ...sso ? [ssoPlugin(sso)] : []],
    account: {
      encryptOAuthTokens: true,
      // Whoever has the address at the provider may not be who has it here: accounts are connected by who is signed in to both.
      accountLinking: { disableImplicitLinking: true }
    },
    user: {
      validateUserInfo: ({ user, source }) => {
        const error = source.method === 'oauth' && sso ? refuseProfile(sso, user) : undefined
        return error === undefined ? undefined : { error }
      },
      additionalFields: {
        role: { type: 'string', required: false, input: false, defaultValue: 'user' },
        lastLoginAt: { type: 'date', required: false, input: false }
      }
    },
    session: {
      expiresIn: SESSION_SECONDS,
      updateAge: SESSION_REFRESH_SECONDS,
      additionalFields: { activeOrgId: { type: 'string', required: false, input: false } }
    },
    emailAndPassword: {
      enabled: true,
      minPasswordLength: PASSWORD_MIN_LENGTH,
      maxPasswordLength: PASSWORD_MAX_LENGTH,
      // Signing up answers alike whether the address was taken or not; only signing in tells, and needs the password.
      autoSignIn: false
    },
    rateLimit: {
      enabled: true,
      customStorage: {
        async consume(name, { max, window }) {
          const { allowed, secondsLeft } = await countAttempt(orm, name, { max, seconds: window })
          return { allowed, retryAfter: allowed ? null : Math.ceil(secondsLeft) }
        }
      },
      // Sign-ins have limits of their own, which also count by account; so have codes.
      customRules: { '/sign-in/email': false, '/sign-up/email': { window: 60 * 60, max: 20 }, '/sign-in/social': { window: 60, max: 100 }, '/two-factor/*': { window: 60, max: 30 } }
    },
    advanced: {
      cookiePrefix: 'loom',
      useSecureCookies: config.APP_URL?.startsWith('https://') ?? false,
      disableOriginCheck: false,
      disableCSRFCheck: false,
      ipAddress: { ipAddressHeaders: [CLIENT_IP_HEADER] },
      database: { generateId: () => uuidv7() }
    },
    hooks: {
      before: createAuthMiddleware(async (context) => {
        if (context.path === '/sign-in/email') await asApiError(beginSignIn(orm, Credentials.pick({ email: true }).parse(context.body).email, ipOf(context.headers)))
        if (context.path === '/sign-up/email') await asApiError(requireOpenSignUp(orm, config))
        if (context.path === '/change-password') return { context: { body: { ...Fields.parse(context.body), revokeOtherSessions: true } } }
      }),
      after: createAuthMiddleware(async (context) => {
        if (context.path !== '/sign-in/email' || context.context.returned instanceof APIError) return
        const { email, password } = Credentials.parse(context.body)
        if (context.context.newSession) await asApiError(requireCurrentPassword(orm, context.context.newSession.session, password))
        await succeedSignIn(orm, email, ipOf(context.headers))
      })
    },
    databaseHooks: {
      account: {
        update: {
          // Whoever changes a password knows it, and a link that somebody else may hold must not set another. Before there is a new one, so that a crash in between leaves no link.
          async before({ password }, context) {
            if (password && context?.context.session) await forgetResetLinks(orm, context.context.session.user.id)
          }
        }
      },
      user: {
        create: {
          async after(user) {
            if (sso) await joinDefaultOrg(orm, sso, user.id)
            await provisionOrg(orm, user.id, config.NEW_ORG_WALLET)
          }
        }
      },
      session: {
        create: {
          // Past the password, so that it tells nothing to whoever does not know it.
          before: session => asApiError(requireActive(orm, session.userId)),
          async after(session) {
            // Repeated here, so that a start or crash in between leaves nobody without an org.
            await provisionOrg(orm, session.userId, config.NEW_ORG_WALLET)
            await orm.update(users).set({ lastLoginAt: new Date() }).where(eq(users.id, session.userId))
          }
        }
      }
    }
  })
}

async function requireOpenSignUp(orm: Orm, config: Config): Promise<void> {
  // Before the set-up a stranger must not become the first user.
  const open = (await getPlatformSettings(orm, config)).signUpOpen && !(await isSetupNeeded(orm))
  if (!open) throw new LoomError('forbidden', 'Sign-up is closed here. Ask a member for an invitation.')
}

/** The library answers its own kind of error as it stands and hides every other. */
async function asApiError(step: Promise<void>): Promise<void> {
  try {
    await step
  } catch (error) {
    if (!(error instanceof LoomError)) throw error
    throw new APIError(error.status === 429 ? 'TOO_MANY_REQUESTS' : error.status === 401 ? 'UNAUTHORIZED' : 'FORBIDDEN', { code: error.code, message: error.message }, retryAfter(error))
  }
}

function retryAfter(error: LoomError): HeadersInit | undefined {
  return error.retryAfterSeconds === undefined ? undefined : { 'retry-after': String(Math.ceil(error.retryAfterSeconds)) }
}

/** A proxy may end TLS before us, so the page's scheme can differ from the request's; its host cannot. */
function ownOrigins(request: Request): string[] {
  const { host } = new URL(request.url)
  return [`http://${host}`, `https://${host}`]
}

function ipOf(headers: Headers | undefined): string | null {
  return headers?.get(CLIENT_IP_HEADER) ?? null
}
