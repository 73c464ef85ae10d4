import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgMembers } from '../../db/schema'
import type { CreatedOrg, CreateOrg } from '../../shared/platform'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { createInvitation } from '../identity/create-invitation'
import { makeOrg } from '../identity/make-org'

/**
 * Makes an org: of the author, or of whoever is invited as its owner, whose link is in the answer and nowhere else. `appUrl` is
 * where that leads.
 */
export async function createOrg(orm: Orm, author: Author, { name, wallet, ownerEmail }: CreateOrg, appUrl: string): Promise<CreatedOrg> {
  const { userId } = author.principal
  return orm.transaction(async (transaction) => {
    const id = await makeOrg(transaction, { name, slugFrom: name, ownerId: userId, walletMode: wallet })
    await recordChange(transaction, author, { orgId: id, action: 'org.create', target: `org:${id}`, after: { name, wallet, owner: ownerEmail ?? userId } })
    if (ownerEmail === undefined) return { id, invitationUrl: null }
    const founder: Author = { ...author, principal: { ...author.principal, orgId: id, role: 'owner' } }
    const { url } = await createInvitation(transaction, founder, { email: ownerEmail, role: 'owner' }, appUrl)
    // The author makes it, and does not stay in it.
    await transaction.delete(orgMembers).where(eq(orgMembers.orgId, id))
    return { id, invitationUrl: url }
  })
}
