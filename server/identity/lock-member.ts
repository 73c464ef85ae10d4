import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgMembers, orgs } from '../../db/schema'
import { roleReaches } from '../../shared/roles'
import type { MemberRole } from '../../shared/identity'
import { LoomError } from '../errors'
import { requireSameRole } from './keep-members'
import type { Principal } from './principal'

interface LockedMember {
  id: string
  userId: string
  role: MemberRole
}

/**
 * A member of the principal's org, about to be changed; until the transaction ends no other change of the org's members runs.
 * @throws {LoomError} `not_found`; `forbidden` when the member's role is above the principal's own, and when that has just changed
 */
export async function lockMember(transaction: Orm, principal: Principal, memberId: string): Promise<LockedMember> {
  await transaction.select({ id: orgs.id }).from(orgs).where(eq(orgs.id, principal.orgId)).for('no key update')
  await requireSameRole(transaction, principal)
  const [member] = await transaction
    .select({ id: orgMembers.id, userId: orgMembers.userId, role: orgMembers.role })
    .from(orgMembers)
    .where(and(eq(orgMembers.id, memberId), eq(orgMembers.orgId, principal.orgId)))
  if (!member) throw new LoomError('not_found', 'There is nothing with this id.')
  if (!roleReaches(principal.role, member.role)) throw new LoomError('forbidden', 'This member\'s role is above yours.')
  return member
}

/**
 * Keeps an org from losing its last owner. Call it before the change, under the lock of `lockMember`.
 * @throws {LoomError} `conflict` when `member` is the only owner
 */
export async function requireAnotherOwner(transaction: Orm, orgId: string, member: LockedMember): Promise<void> {
  if (member.role !== 'owner') return
  const owners = await transaction.select({ id: orgMembers.id }).from(orgMembers).where(and(eq(orgMembers.orgId, orgId), eq(orgMembers.role, 'owner')))
  if (owners.length <= 1) throw new LoomError('conflict', 'An organisation needs an owner. Make someone else owner first.')
}
