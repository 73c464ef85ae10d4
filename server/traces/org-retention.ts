import { eq, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { orgs } from '../../db/schema'
import { Retention } from '../../shared/retention'
import type { VersionedRetention } from '../../shared/retention'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import { requireVersion } from '../versions/require-version'
import { versionOf } from '../versions/version-of'

/** What retention reads of an org's settings. */
const RetentionSettings = z.object({ retention: Retention.default({ tracesDays: null, bodiesDays: null }) })

/**
 * How long an org keeps its traces.
 * @throws {LoomError} `not_found` when the org was deleted meanwhile
 */
export async function getRetention(orm: Orm, orgId: string): Promise<VersionedRetention> {
  const [org] = await orm.select({ settings: orgs.settings }).from(orgs).where(eq(orgs.id, orgId))
  if (!org) throw new LoomError('not_found', 'This organisation does not exist any more.')
  const { retention } = RetentionSettings.parse(org.settings)
  return { ...retention, version: versionOf(retention) }
}

/**
 * Sets it for the author's org. What is older goes within the hour.
 * @param version of it as the author saw it; undefined: whatever it is now
 * @throws {LoomError} `conflict` when it is another by now
 */
export async function setRetention(orm: Orm, author: Author, retention: Retention, version?: string): Promise<VersionedRetention> {
  const { orgId } = author.principal
  return orm.transaction(async (transaction) => {
    await transaction.select({ id: orgs.id }).from(orgs).where(eq(orgs.id, orgId)).for('no key update')
    const { version: _, ...before } = await getRetention(transaction, orgId)
    await requireVersion(transaction, { orgId, target: `org:${orgId}`, actions: ['org.retention'], fields: before, expected: version })
    await transaction
      .update(orgs)
      .set({ settings: sql`${orgs.settings} || jsonb_build_object('retention', ${JSON.stringify(retention)}::jsonb)` })
      .where(eq(orgs.id, orgId))
    await recordChange(transaction, author, { action: 'org.retention', target: `org:${orgId}`, before, after: retention })
    return { ...retention, version: versionOf(retention) }
  })
}
