import { eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgs } from '../../db/schema'
import { Policy } from '../../shared/policy'
import type { VersionedPolicy } from '../../shared/policy'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import { requireVersion } from '../versions/require-version'
import { versionOf } from '../versions/version-of'

/**
 * The rules of an org's calls.
 * @throws {LoomError} `not_found` when the org was deleted meanwhile
 */
export async function getOrgPolicy(orm: Orm, orgId: string): Promise<VersionedPolicy> {
  const [org] = await orm.select({ policy: orgs.policy }).from(orgs).where(eq(orgs.id, orgId))
  if (!org) throw new LoomError('not_found', 'This organisation does not exist any more.')
  const policy = Policy.parse(org.policy)
  return { policy, version: versionOf(policy) }
}

/**
 * Replaces the rules of the author's org; every replica heeds them within a second.
 * @param version of the policy as the author saw it; undefined: whatever it is now
 * @throws {LoomError} `conflict` when it is another by now
 */
export async function setOrgPolicy(orm: Orm, author: Author, policy: Policy, version?: string): Promise<VersionedPolicy> {
  const { orgId } = author.principal
  return orm.transaction(async (transaction) => {
    await transaction.select({ id: orgs.id }).from(orgs).where(eq(orgs.id, orgId)).for('no key update')
    const { policy: before } = await getOrgPolicy(transaction, orgId)
    await requireVersion(transaction, { orgId, target: `org:${orgId}`, actions: ['org.policy'], fields: before, expected: version })
    await transaction.update(orgs).set({ policy }).where(eq(orgs.id, orgId))
    await recordChange(transaction, author, { action: 'org.policy', target: `org:${orgId}`, before, after: policy })
    await transaction.execute(sql`select pg_notify('loom_orgs', ${orgId})`)
    return { policy, version: versionOf(policy) }
  })
}
