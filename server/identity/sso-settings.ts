import { eq } from 'drizzle-orm'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { orgs, platformSettings } from '../../db/schema'
import type { SetSso, SsoDetails } from '../../shared/sso'
import { SetSso as SetSsoShape } from '../../shared/sso'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import type { Config } from '../config'
import { open, seal } from '../crypto/envelope'
import type { Keyring } from '../crypto/keyring'
import { LoomError } from '../errors'
import { lockSetting } from '../platform/lock-setting'
import { requireVersion } from '../versions/require-version'
import { versionOf } from '../versions/version-of'

const SSO = 'sso'
const TARGET = 'platform:sso'
/** What the secret is sealed for, and opens as alone. */
const CONTEXT = 'platform:sso'

const Stored = SetSsoShape.omit({ clientSecret: true }).extend({ secret: z.base64(), iv: z.base64() })

/** All that signing in at the provider needs. */
export interface SsoConfig extends Omit<SetSso, 'clientSecret'> {
  clientSecret: string
  source: 'settings' | 'environment'
}

type SsoEnvironment = Pick<Config, 'OIDC_ISSUER' | 'OIDC_CLIENT_ID' | 'OIDC_CLIENT_SECRET' | 'OIDC_NAME' | 'OIDC_ALLOWED_DOMAINS' | 'OIDC_DEFAULT_ORG' | 'OIDC_DEFAULT_ROLE'>

/**
 * How people sign in at an identity provider: as set in the app, else as the environment says; undefined when neither says anything.
 * @throws {Error} when the secret was sealed under another master key
 */
export async function readSso(orm: Orm, keyring: Keyring, config: SsoEnvironment): Promise<SsoConfig | undefined> {
  const stored = await readStored(orm)
  if (!stored) return fromEnvironment(orm, config)
  const { secret, iv, ...settings } = stored
  const clientSecret = open(keyring.forPlatform(), CONTEXT, { data: Buffer.from(secret, 'base64'), iv: Buffer.from(iv, 'base64') }).toString()
  return { ...settings, clientSecret, source: 'settings' }
}

/** The name on the button; null where single sign-on is not set up. Opens no secret. */
export async function findSsoName(orm: Orm, config: SsoEnvironment & Pick<Config, 'APP_URL'>): Promise<string | null> {
  if (!config.APP_URL) return null
  return (await readStored(orm))?.name ?? (isInEnvironment(config) ? config.OIDC_NAME : null)
}

/** What platform admins see of it. */
export async function describeSso(orm: Orm, config: SsoEnvironment & Pick<Config, 'APP_URL'>): Promise<SsoDetails> {
  const stored = await readStored(orm)
  const known = stored ? { ...stored, source: 'settings' as const } : await fromEnvironment(orm, config)
  const redirectUri = config.APP_URL ? new URL('/api/auth/callback/sso', config.APP_URL).href : null
  const version = versionOf(ssoFields(stored))
  if (!known) return { sso: null, version, redirectUri }
  const { name, issuer, clientId, allowedDomains, defaultOrgId, defaultRole, source } = known
  return { sso: { name, issuer, clientId, allowedDomains, defaultOrgId, defaultRole, source }, version, redirectUri }
}

/**
 * Sets it up; the next sign-in follows it, on every replica.
 * @param version of it as the author saw it; undefined: whatever it is now
 * @throws {LoomError} `invalid_request` without a secret for a new provider or client, `not_found` for an org there is not, `conflict` when it is another by now
 */
export async function setSso(orm: Orm, keyring: Keyring, author: Author, { clientSecret, ...settings }: SetSso, version?: string): Promise<void> {
  await orm.transaction(async (transaction) => {
    if (settings.defaultOrgId !== null) await requireOrg(transaction, settings.defaultOrgId)
    await lockSetting(transaction, SSO)
    const before = await readStored(transaction)
    await requireSeen(transaction, before, version)
    const sealed = clientSecret === undefined ? keptSecret(before, settings) : sealText(keyring, clientSecret)
    const value = { ...settings, ...sealed }
    await transaction.insert(platformSettings).values({ name: SSO, value }).onConflictDoUpdate({ target: platformSettings.name, set: { value, updatedAt: new Date() } })
    await recordChange(transaction, author, { action: 'sso.update', target: TARGET, before: before && ssoFields(before), after: { ...settings, secretChanged: clientSecret !== undefined } })
  })
}

/**
 * Forgets what the app was told; the environment counts again.
 * @param version of it as the author saw it; undefined: whatever it is now
 * @throws {LoomError} `not_found` where the app was told nothing, `conflict` when it is another by now
 */
export async function removeSso(orm: Orm, author: Author, version?: string): Promise<void> {
  await orm.transaction(async (transaction) => {
    await lockSetting(transaction, SSO)
    const before = await readStored(transaction)
    if (!before) throw new LoomError('not_found', 'Single sign-on is not set up here.')
    await requireSeen(transaction, before, version)
    await transaction.delete(platformSettings).where(eq(platformSettings.name, SSO))
    await recordChange(transaction, author, { action: 'sso.remove', target: TARGET, before: ssoFields(before) })
  })
}

async function readStored(orm: Orm): Promise<z.infer<typeof Stored> | undefined> {
  const [row] = await orm.select({ value: platformSettings.value }).from(platformSettings).where(eq(platformSettings.name, SSO))
  return row && Stored.parse(row.value)
}

function requireSeen(transaction: Orm, stored: z.infer<typeof Stored> | undefined, expected: string | undefined): Promise<void> {
  return requireVersion(transaction, { orgId: null, target: TARGET, actions: ['sso.update', 'sso.remove'], fields: ssoFields(stored), expected })
}

/** What of it can be told; nothing while the app was told nothing. */
function ssoFields(stored: z.infer<typeof Stored> | undefined): Record<string, unknown> {
  if (!stored) return {}
  const { secret: _secret, iv: _iv, ...settings } = stored
  return settings
}

/** A secret is for one client at one provider: another would get to see it. */
function keptSecret(before: z.infer<typeof Stored> | undefined, { issuer, clientId }: Pick<SetSso, 'issuer' | 'clientId'>) {
  if (!before || before.issuer !== issuer || before.clientId !== clientId) throw new LoomError('invalid_request', 'Enter the client secret of this provider.', { param: 'clientSecret' })
  return { secret: before.secret, iv: before.iv }
}

function sealText(keyring: Keyring, text: string) {
  const { data, iv } = seal(keyring.forPlatform(), CONTEXT, Buffer.from(text))
  return { secret: data.toString('base64'), iv: iv.toString('base64') }
}

async function requireOrg(transaction: Orm, orgId: string): Promise<void> {
  const found = await transaction.select({ id: orgs.id }).from(orgs).where(eq(orgs.id, orgId))
  if (found.length === 0) throw new LoomError('not_found', 'There is no organisation with this id.', { param: 'defaultOrgId' })
}

function isInEnvironment({ OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET }: SsoEnvironment): boolean {
  return Boolean(OIDC_ISSUER && OIDC_CLIENT_ID && OIDC_CLIENT_SECRET)
}

async function fromEnvironment(orm: Orm, config: SsoEnvironment): Promise<SsoConfig | undefined> {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret, OIDC_DEFAULT_ORG: slug } = config
  if (!issuer || !clientId || !clientSecret) return undefined
  const [org] = slug ? await orm.select({ id: orgs.id }).from(orgs).where(eq(orgs.slug, slug)) : []
  return {
    issuer, clientId, clientSecret, name: config.OIDC_NAME, allowedDomains: config.OIDC_ALLOWED_DOMAINS,
    defaultOrgId: org?.id ?? null, defaultRole: config.OIDC_DEFAULT_ROLE, source: 'environment'
  }
}
