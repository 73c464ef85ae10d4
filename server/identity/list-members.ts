import { asc, eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { authSessions, orgMembers, users } from '../../db/schema'
import type { MemberList } from '../../shared/identity'
import { roleReaches } from '../../shared/roles'
import { versionOf } from '../versions/version-of'
import type { Principal } from './principal'

/** Everyone in the principal's org, the longest-standing first. How others sign in is told to admins only: it says whom to try. */
export async function listMembers(orm: Orm, { orgId, userId, role }: Principal): Promise<MemberList> {
  const rows = await orm
    .select({ id: orgMembers.id, userId: users.id, name: users.name, email: users.email, role: orgMembers.role, twoFactor: users.twoFactorEnabled, lastLoginAt: users.lastLoginAt,
      sessions: sql<number>`(select count(*)::int from ${authSessions} where ${authSessions.userId} = ${users.id} and ${authSessions.expiresAt} > now())`, joinedAt: orgMembers.createdAt })
    .from(orgMembers)
    .innerJoin(users, eq(users.id, orgMembers.userId))
    .where(eq(orgMembers.orgId, orgId))
    .orderBy(asc(orgMembers.createdAt), asc(orgMembers.id))
  const sees = (member: { userId: string }) => member.userId === userId || roleReaches(role, 'admin')
  return {
    members: rows.map(({ twoFactor, lastLoginAt, sessions, joinedAt, ...member }) => ({
      ...member,
      version: versionOf({ role: member.role }),
      signIn: sees(member) ? { twoFactor, lastLoginAt: lastLoginAt?.toISOString() ?? null, sessions } : null,
      joinedAt: joinedAt.toISOString()
    }))
  }
}
