import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { users } from '../../db/schema'
import type { SessionInfo } from '../../shared/identity'
import type { Config } from '../config'
import { findMemberships } from './find-memberships'
import { getPlatformSettings } from './platform-settings'
import type { Principal } from './principal'
import { mailsResetLinks } from './request-password-reset'
import { isSetupNeeded } from './setup'
import { findSsoName } from './sso-settings'

/** What the app needs to know about who is using it, signed in or not. */
export async function describeSession(orm: Orm, config: Config, principal: Principal | null): Promise<SessionInfo> {
  const { signUpOpen } = await getPlatformSettings(orm, config)
  const ssoName = await findSsoName(orm, config)
  if (!principal) {
    const setupNeeded = await isSetupNeeded(orm)
    return { user: null, org: null, orgs: [], role: null, platformAdmin: false, signUpOpen: signUpOpen && !setupNeeded, setupNeeded, ssoName: setupNeeded ? null : ssoName, maxFileBytes: config.MAX_FILE_BYTES, mailsResetLinks: mailsResetLinks(config) }
  }
  const [user] = await orm.select({ id: users.id, name: users.name, email: users.email }).from(users).where(eq(users.id, principal.userId))
  const memberships = await findMemberships(orm, principal.userId)
  // A key acts in its own org alone, so it learns of no other.
  const orgs = principal.kind === 'key' ? memberships.filter(org => org.id === principal.orgId) : memberships
  return {
    user: user ?? null,
    org: orgs.find(org => org.id === principal.orgId) ?? null,
    orgs,
    role: principal.role,
    platformAdmin: principal.platformAdmin,
    signUpOpen,
    setupNeeded: false,
    ssoName,
    maxFileBytes: config.MAX_FILE_BYTES,
    mailsResetLinks: mailsResetLinks(config)
  }
}
