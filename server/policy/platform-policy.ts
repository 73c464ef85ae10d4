import { eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { platformSettings } from '../../db/schema'
import { Policy } from '../../shared/policy'
import type { VersionedPolicy } from '../../shared/policy'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { lockSetting } from '../platform/lock-setting'
import { requireVersion } from '../versions/require-version'
import { versionOf } from '../versions/version-of'
import { PLATFORM_POLICY_SETTING } from './policy-levels'

const TARGET = 'platform:policy'

/** The rules of every call on this installation. */
export async function getPlatformPolicy(orm: Orm): Promise<VersionedPolicy> {
  const [row] = await orm.select({ value: platformSettings.value }).from(platformSettings).where(eq(platformSettings.name, PLATFORM_POLICY_SETTING))
  const policy = Policy.parse(row?.value ?? {})
  return { policy, version: versionOf(policy) }
}

/**
 * Replaces them; every replica heeds them within a second.
 * @param version of the policy as the author saw it; undefined: whatever it is now
 * @throws {LoomError} `conflict` when it is another by now
 */
export async function setPlatformPolicy(orm: Orm, author: Author, policy: Policy, version?: string): Promise<VersionedPolicy> {
  return orm.transaction(async (transaction) => {
    await lockSetting(transaction, PLATFORM_POLICY_SETTING)
    const { policy: before } = await getPlatformPolicy(transaction)
    await requireVersion(transaction, { orgId: null, target: TARGET, actions: ['platform.policy'], fields: before, expected: version })
    await transaction
      .insert(platformSettings)
      .values({ name: PLATFORM_POLICY_SETTING, value: policy })
      .onConflictDoUpdate({ target: platformSettings.name, set: { value: policy, updatedAt: new Date() } })
    await recordChange(transaction, author, { action: 'platform.policy', target: TARGET, before, after: policy })
    // Whatever is known of any caller.
    await transaction.execute(sql`select pg_notify('loom_orgs', '')`)
    return { policy, version: versionOf(policy) }
  })
}
