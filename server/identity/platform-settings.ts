import { eq } from 'drizzle-orm'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { platformSettings } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import type { Config } from '../config'
import type { PlatformSettings, UpdatePlatformSettings } from '../../shared/identity'

const SIGN_UP_OPEN = 'sign_up_open'

/** The platform's settings; what nobody set yet comes from the environment. */
export async function getPlatformSettings(orm: Orm, config: Pick<Config, 'SIGN_UP_OPEN'>): Promise<PlatformSettings> {
  const [row] = await orm.select({ value: platformSettings.value }).from(platformSettings).where(eq(platformSettings.name, SIGN_UP_OPEN))
  return { signUpOpen: row ? z.boolean().parse(row.value) : config.SIGN_UP_OPEN ?? false }
}

/** Sets what `change` names and returns all settings. */
export async function updatePlatformSettings(orm: Orm, config: Pick<Config, 'SIGN_UP_OPEN'>, author: Author, change: UpdatePlatformSettings): Promise<PlatformSettings> {
  return orm.transaction(async (transaction) => {
    const before = await getPlatformSettings(transaction, config)
    const after = { signUpOpen: change.signUpOpen ?? before.signUpOpen }
    await transaction
      .insert(platformSettings)
      .values({ name: SIGN_UP_OPEN, value: after.signUpOpen })
      .onConflictDoUpdate({ target: platformSettings.name, set: { value: after.signUpOpen, updatedAt: new Date() } })
    await recordChange(transaction, author, { action: 'platform_settings.update', target: 'platform', before: { ...before }, after })
    return after
  })
}
