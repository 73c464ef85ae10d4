import type { SQL } from 'drizzle-orm'
import { and, eq, isNull } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgInvitations } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import { keepMembers } from './keep-members'

/**
 * Takes an open invitation back; its link stops working at once.
 * @throws {LoomError} `not_found`
 */
export async function revokeInvitation(orm: Orm, author: Author, invitationId: string): Promise<void> {
  await orm.transaction(async (transaction) => {
    await keepMembers(transaction, author.principal.orgId)
    const revoked = await revokeInvitations(transaction, author, eq(orgInvitations.id, invitationId))
    if (revoked === 0) throw new LoomError('not_found', 'There is nothing with this id.')
  })
}

/** Takes back what a member whose role changed has still open: they may not be allowed to grant it any more. */
export async function revokeInvitationsBy(transaction: Orm, author: Author, userId: string): Promise<void> {
  await revokeInvitations(transaction, author, eq(orgInvitations.invitedBy, userId))
}

/** Takes back the open ones of an address that is invited anew: of an address there is one. */
export async function revokeInvitationsOf(transaction: Orm, author: Author, email: string): Promise<void> {
  await revokeInvitations(transaction, author, eq(orgInvitations.email, email))
}

async function revokeInvitations(transaction: Orm, author: Author, which: SQL): Promise<number> {
  const revoked = await transaction
    .delete(orgInvitations)
    .where(and(which, eq(orgInvitations.orgId, author.principal.orgId), isNull(orgInvitations.acceptedAt)))
    .returning({ id: orgInvitations.id, email: orgInvitations.email, role: orgInvitations.role })
  for (const { id, ...before } of revoked) await recordChange(transaction, author, { action: 'invitation.revoke', target: `invitation:${id}`, before })
  return revoked.length
}
