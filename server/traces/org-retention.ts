import { eq, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Orm } from '../../db/client'
import { orgs } from '../../db/schema'
import { Retention } from '../../shared/retention'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'

/** What retention reads of an org's settings. */
const RetentionSettings = z.object({ retention: Retention.default({ tracesDays: null, bodiesDays: null }) })

/**
 * How long an org keeps its traces.
 * @throws {LoomError} `not_found` when the org was deleted meanwhile
 */
export async function getRetention(orm: Orm, orgId: string): Promise<Retention> {
  const [org] = await orm.select({ settings: orgs.settings }).from(orgs).where(eq(orgs.id, orgId))
  if (!org) throw new LoomError('not_found', 'This organisation does not exist any more.')
  return RetentionSettings.parse(org.settings).retention
}

/** Sets it for the author's org. What is older goes within the hour. */
export async function setRetention(orm: Orm, author: Author, retention: Retention): Promise<Retention> {
  const { orgId } = author.principal
  return orm.transaction(async (transaction) => {
    await transaction.select({ id: orgs.id }).from(orgs).where(eq(orgs.id, orgId)).for('update')
    const before = await getRetention(transaction, orgId)
    await transaction
      .update(orgs)
      .set({ settings: sql`${orgs.settings} || jsonb_build_object('retention', ${JSON.stringify(retention)}::jsonb)` })
      .where(eq(orgs.id, orgId))
    await recordChange(transaction, author, { action: 'org.retention', target: `org:${orgId}`, before, after: retention })
    return retention
  })
}
