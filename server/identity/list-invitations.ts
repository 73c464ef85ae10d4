import { and, desc, eq, isNull, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgInvitations, users } from '../../db/schema'
import type { InvitationList } from '../../shared/identity'

/** An org's invitations that can still be accepted, newest first. */
export async function listInvitations(orm: Orm, orgId: string): Promise<InvitationList> {
  const rows = await orm
    .select({ id: orgInvitations.id, email: orgInvitations.email, role: orgInvitations.role, invitedBy: users.name, createdAt: orgInvitations.createdAt, expiresAt: orgInvitations.expiresAt })
    .from(orgInvitations)
    .innerJoin(users, eq(users.id, orgInvitations.invitedBy))
    .where(and(eq(orgInvitations.orgId, orgId), isNull(orgInvitations.acceptedAt), sql`${orgInvitations.expiresAt} > now()`))
    .orderBy(desc(orgInvitations.id))
  return { invitations: rows.map(row => ({ ...row, createdAt: row.createdAt.toISOString(), expiresAt: row.expiresAt.toISOString() })) }
}
