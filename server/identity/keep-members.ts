import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgMembers, orgs } from '../../db/schema'
import { LoomError } from '../errors'
import type { Principal } from './principal'

/**
 * Waits for a change of the org's members under way (`lockMember`), and lets none begin until the transaction ends. Call it before anything else
 * is locked: a change of a member takes back their keys and invitations, and writes of it, in an order of its own, and must miss none.
 */
export async function keepMembers(transaction: Orm, orgId: string): Promise<void> {
  await transaction.select({ id: orgs.id }).from(orgs).where(eq(orgs.id, orgId)).for('share')
}

/**
 * The same for the principal above all, who is about to hand out what their role allows.
 * @throws {LoomError} `forbidden` when they have another role by now, or none
 */
export async function keepAsMember(transaction: Orm, principal: Principal): Promise<void> {
  await keepMembers(transaction, principal.orgId)
  await requireSameRole(transaction, principal)
}

/**
 * Of two changes at once, one may take the other's author their role: under a lock that lets no change of a member by, it is asked again.
 * @throws {LoomError} `forbidden` when it is another by now, or none
 */
export async function requireSameRole(transaction: Orm, { orgId, userId, role }: Principal): Promise<void> {
  const [member] = await transaction.select({ role: orgMembers.role }).from(orgMembers).where(and(eq(orgMembers.orgId, orgId), eq(orgMembers.userId, userId)))
  if (member?.role !== role) throw new LoomError('forbidden', 'Your role in this organisation has just changed. Try again.')
}
