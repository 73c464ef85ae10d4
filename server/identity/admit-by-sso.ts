import { and, eq, isNull } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgMembers, orgs } from '../../db/schema'
import { recordSystemChange } from '../audit/record'
import type { SsoConfig } from './sso-settings'

/** Why somebody whom the provider knows is not let in; undefined when they are. Told in the address of the login page. */
export function refuseProfile({ allowedDomains }: Pick<SsoConfig, 'allowedDomains'>, { email, emailVerified }: { email?: string | undefined, emailVerified?: boolean | undefined }): string | undefined {
  if (!email || emailVerified !== true) return 'email_not_verified'
  const domain = email.toLowerCase().split('@').at(-1) ?? ''
  return allowedDomains.length > 0 && !allowedDomains.includes(domain) ? 'domain_not_allowed' : undefined
}

/** Lets a newcomer into the org that the settings name, if it is there and active. */
export async function joinDefaultOrg(orm: Orm, { defaultOrgId, defaultRole }: Pick<SsoConfig, 'defaultOrgId' | 'defaultRole'>, userId: string): Promise<void> {
  if (defaultOrgId === null) return
  await orm.transaction(async (transaction) => {
    const [org] = await transaction.select({ id: orgs.id }).from(orgs).where(and(eq(orgs.id, defaultOrgId), eq(orgs.status, 'active'), isNull(orgs.deletedAt))).for('share')
    if (!org) return
    const joined = await transaction.insert(orgMembers).values({ orgId: org.id, userId, role: defaultRole }).onConflictDoNothing().returning({ id: orgMembers.id })
    if (joined.length > 0) await recordSystemChange(transaction, org.id, { action: 'member.join', target: `user:${userId}`, after: { role: defaultRole, by: 'single sign-on' } })
  })
}
