import { and, eq, isNull, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgInvitations, orgs } from '../../db/schema'
import type { MemberRole } from '../../shared/identity'
import { LoomError } from '../errors'
import { hashInvitationToken } from './invitation-token'

export interface OpenInvitation {
  id: string
  orgId: string
  orgName: string
  email: string
  role: MemberRole
}

/**
 * The invitation a link leads to.
 * @throws {LoomError} `not_found` when there is none, or it was accepted, taken back or has expired: which of them is nobody's business
 */
export async function findOpenInvitation(orm: Orm, token: string): Promise<OpenInvitation> {
  const [found] = await orm
    .select({ id: orgInvitations.id, orgId: orgs.id, orgName: orgs.name, email: orgInvitations.email, role: orgInvitations.role })
    .from(orgInvitations)
    .innerJoin(orgs, and(eq(orgs.id, orgInvitations.orgId), eq(orgs.status, 'active'), isNull(orgs.deletedAt)))
    .where(and(eq(orgInvitations.tokenHash, hashInvitationToken(token)), isNull(orgInvitations.acceptedAt), sql`${orgInvitations.expiresAt} > now()`))
  if (!found) throw new LoomError('not_found', 'This invitation is not valid any more. Ask for a new one.')
  return found
}
