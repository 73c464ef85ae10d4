import { asc, eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { authSessions, orgMembers, users } from '../../db/schema'
import type { MemberList } from '../../shared/identity'
import { versionOf } from '../versions/version-of'

/** Everyone in an org, the longest-standing first. */
export async function listMembers(orm: Orm, orgId: string): Promise<MemberList> {
  const rows = await orm
    .select({ id: orgMembers.id, userId: users.id, name: users.name, email: users.email, role: orgMembers.role, twoFactor: users.twoFactorEnabled, lastLoginAt: users.lastLoginAt,
      sessions: sql<number>`(select count(*)::int from ${authSessions} where ${authSessions.userId} = ${users.id} and ${authSessions.expiresAt} > now())`, joinedAt: orgMembers.createdAt })
    .from(orgMembers)
    .innerJoin(users, eq(users.id, orgMembers.userId))
    .where(eq(orgMembers.orgId, orgId))
    .orderBy(asc(orgMembers.createdAt), asc(orgMembers.id))
  return { members: rows.map(row => ({ ...row, version: versionOf({ role: row.role }), lastLoginAt: row.lastLoginAt?.toISOString() ?? null, joinedAt: row.joinedAt.toISOString() })) }
}
