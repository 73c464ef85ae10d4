import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgs } from '../../db/schema'
import type { orgStatuses } from '../../shared/identity'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { lockOrg, notifyOrg, requireElsewhere } from './lock-org'

/**
 * Deactivates an org, or lets it in again. Within a second its keys are refused on every replica, its members cannot enter it, and its
 * answers that are being written stop. Nothing is lost.
 * @throws {LoomError} `not_found`, or `conflict` for the author's own org
 */
export async function setOrgStatus(orm: Orm, author: Author, orgId: string, status: typeof orgStatuses[number]): Promise<void> {
  if (status === 'inactive') requireElsewhere(author, orgId)
  await orm.transaction(async (transaction) => {
    const org = await lockOrg(transaction, orgId)
    if (org.status === status) return
    await transaction.update(orgs).set({ status }).where(eq(orgs.id, orgId))
    await recordChange(transaction, author, { orgId, action: 'org.status', target: `org:${orgId}`, before: { status: org.status }, after: { status } })
    await notifyOrg(transaction, orgId, status === 'inactive')
  })
}
