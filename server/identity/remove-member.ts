import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgMembers, projectMembers } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { revokeKeysBeyondRole } from '../keys/revoke-keys-beyond-role'
import { lockMember, requireAnotherOwner } from './lock-member'
import { requireRole } from './principal'
import { revokeInvitationsBy } from './revoke-invitation'

/**
 * Takes a member out of the author's org and of its projects, with every key they made in it. Admins remove others, anyone may leave.
 * @throws {LoomError} `not_found`, `forbidden`, or `conflict` for the last owner
 */
export async function removeMember(orm: Orm, author: Author, memberId: string): Promise<void> {
  const { principal } = author
  await orm.transaction(async (transaction) => {
    const member = await lockMember(transaction, principal, memberId)
    if (member.userId !== principal.userId) requireRole(principal, 'admin')
    await requireAnotherOwner(transaction, principal.orgId, member)
    // Before anything is logged: whoever changes a project's members locks the log after them.
    const left = await transaction.delete(projectMembers)
      .where(and(eq(projectMembers.orgId, principal.orgId), eq(projectMembers.userId, member.userId)))
      .returning({ projectId: projectMembers.projectId, role: projectMembers.role })
    await revokeKeysBeyondRole(transaction, author, member.userId, null)
    await revokeInvitationsBy(transaction, author, member.userId)
    await transaction.delete(orgMembers).where(and(eq(orgMembers.id, member.id), eq(orgMembers.orgId, principal.orgId)))
    for (const { projectId, role } of left) await recordChange(transaction, author, { action: 'project.member', target: `project:${projectId}`, before: { userId: member.userId, role } })
    await recordChange(transaction, author, { action: 'member.remove', target: `user:${member.userId}`, before: { role: member.role } })
  })
}
