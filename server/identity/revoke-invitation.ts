import { and, eq, isNull } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgInvitations } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'

/**
 * Takes an open invitation back; its link stops working at once.
 * @throws {LoomError} `not_found`
 */
export async function revokeInvitation(orm: Orm, author: Author, invitationId: string): Promise<void> {
  await orm.transaction(async (transaction) => {
    const [revoked] = await transaction
      .delete(orgInvitations)
      .where(and(eq(orgInvitations.id, invitationId), eq(orgInvitations.orgId, author.principal.orgId), isNull(orgInvitations.acceptedAt)))
      .returning({ email: orgInvitations.email, role: orgInvitations.role })
    if (!revoked) throw new LoomError('not_found', 'There is nothing with this id.')
    await recordChange(transaction, author, { action: 'invitation.revoke', target: `invitation:${invitationId}`, before: revoked })
  })
}

/** Takes back what a member whose role changed has still open: they may not be allowed to grant it any more. */
export async function revokeInvitationsBy(transaction: Orm, orgId: string, userId: string): Promise<void> {
  await transaction.delete(orgInvitations).where(and(eq(orgInvitations.orgId, orgId), eq(orgInvitations.invitedBy, userId), isNull(orgInvitations.acceptedAt)))
}
