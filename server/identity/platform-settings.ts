import { eq } from 'drizzle-orm'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { platformSettings } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import type { Config } from '../config'
import type { PlatformSettings, UpdatePlatformSettings } from '../../shared/identity'
import { lockSetting } from '../platform/lock-setting'
import { requireVersion } from '../versions/require-version'
import { versionOf } from '../versions/version-of'

const SIGN_UP_OPEN = 'sign_up_open'
const TARGET = 'platform:settings'

const SignUpOpen = z.boolean()

/** The platform's settings; what nobody set yet comes from the environment. */
export async function getPlatformSettings(orm: Orm, config: Pick<Config, 'SIGN_UP_OPEN'>): Promise<PlatformSettings> {
  const [row] = await orm.select({ value: platformSettings.value }).from(platformSettings).where(eq(platformSettings.name, SIGN_UP_OPEN))
  return versioned({ signUpOpen: row ? SignUpOpen.parse(row.value) : config.SIGN_UP_OPEN ?? false })
}

/**
 * Sets what `change` names and returns all settings.
 * @param version of them as the author saw them; undefined: whatever they are now
 * @throws {LoomError} `conflict` when they are others by now
 */
export async function updatePlatformSettings(orm: Orm, config: Pick<Config, 'SIGN_UP_OPEN'>, author: Author, change: UpdatePlatformSettings, version?: string): Promise<PlatformSettings> {
  return orm.transaction(async (transaction) => {
    await lockSetting(transaction, SIGN_UP_OPEN)
    const { version: _version, ...before } = await getPlatformSettings(transaction, config)
    await requireVersion(transaction, { orgId: null, target: TARGET, actions: ['platform_settings.update'], fields: before, expected: version })
    const after = { signUpOpen: change.signUpOpen ?? before.signUpOpen }
    await transaction
      .insert(platformSettings)
      .values({ name: SIGN_UP_OPEN, value: after.signUpOpen })
      .onConflictDoUpdate({ target: platformSettings.name, set: { value: after.signUpOpen, updatedAt: new Date() } })
    await recordChange(transaction, author, { action: 'platform_settings.update', target: TARGET, before, after })
    return versioned(after)
  })
}

function versioned(settings: Omit<PlatformSettings, 'version'>): PlatformSettings {
  return { ...settings, version: versionOf(settings) }
}
