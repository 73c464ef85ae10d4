import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgs } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import { lockOrg, notifyOrg } from './lock-org'

/**
 * Deletes an org softly: nobody and no key gets in, within a second, and everything is kept until a platform admin restores or purges it.
 * @param confirm the org's slug, where an owner typed it
 * @throws {LoomError} `not_found`, `conflict` when it was deleted already, `invalid_request` for another slug
 */
export async function deleteOrg(orm: Orm, author: Author, orgId: string, confirm?: string): Promise<void> {
  await orm.transaction(async (transaction) => {
    const org = await lockOrg(transaction, orgId)
    if (org.deletedAt) throw new LoomError('conflict', 'This organisation is deleted already.')
    if (confirm !== undefined && confirm !== org.slug) throw new LoomError('invalid_request', `Type the organisation's slug, "${org.slug}", to confirm.`, { param: 'confirm' })
    await transaction.update(orgs).set({ deletedAt: new Date() }).where(eq(orgs.id, orgId))
    await recordChange(transaction, author, { orgId, action: 'org.delete', target: `org:${orgId}`, before: { name: org.name, slug: org.slug } })
    await notifyOrg(transaction, orgId, true)
  })
}

/**
 * Takes the deletion back: everything is as it was.
 * @throws {LoomError} `not_found`, or `conflict` when it is not deleted
 */
export async function restoreOrg(orm: Orm, author: Author, orgId: string): Promise<void> {
  await orm.transaction(async (transaction) => {
    const org = await lockOrg(transaction, orgId)
    if (!org.deletedAt) throw new LoomError('conflict', 'This organisation is not deleted.')
    await transaction.update(orgs).set({ deletedAt: null }).where(eq(orgs.id, orgId))
    await recordChange(transaction, author, { orgId, action: 'org.restore', target: `org:${orgId}`, before: { deletedAt: org.deletedAt.toISOString() } })
    await notifyOrg(transaction, orgId, false)
  })
}
