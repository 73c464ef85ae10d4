import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgMembers } from '../../db/schema'
import type { MemberRole } from '../../shared/identity'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { revokeKeysBeyondRole } from '../keys/revoke-keys-beyond-role'
import { lockMember, requireAnotherOwner } from './lock-member'
import { requirePerson, requireRole } from './principal'
import { requireVersion } from '../versions/require-version'
import { revokeInvitationsBy } from './revoke-invitation'

/**
 * Gives a member another role, at most the author's own. Keys they made that the new role could not make are revoked.
 * @param version of the member as the author saw them; undefined: whatever they are now
 * @throws {LoomError} `not_found`, `forbidden` (to an API key, too), or `conflict` for the last owner, and when the role is another by now
 */
export async function changeMemberRole(orm: Orm, author: Author, memberId: string, role: MemberRole, version?: string): Promise<void> {
  const { principal } = author
  requirePerson(principal)
  requireRole(principal, role)
  await orm.transaction(async (transaction) => {
    const member = await lockMember(transaction, principal, memberId)
    if (member.role === role) return
    await requireVersion(transaction, { orgId: principal.orgId, target: `user:${member.userId}`, actions: ['member.update', 'member.join'], fields: { role: member.role }, expected: version })
    await requireAnotherOwner(transaction, principal.orgId, member)
    await transaction.update(orgMembers).set({ role }).where(and(eq(orgMembers.id, member.id), eq(orgMembers.orgId, principal.orgId)))
    await revokeKeysBeyondRole(transaction, author, member.userId, role)
    await revokeInvitationsBy(transaction, author, member.userId)
    await recordChange(transaction, author, { action: 'member.update', target: `user:${member.userId}`, before: { role: member.role }, after: { role } })
  })
}
