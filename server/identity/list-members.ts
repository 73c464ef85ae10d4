import { and, asc, eq, gt, ilike, notExists, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { authSessions, orgMembers, projectMembers, projects, users } from '../../db/schema'
import type { MemberPage, MemberQuery } from '../../shared/identity'
import { roleReaches } from '../../shared/roles'
import { containsPattern } from '../projects/list-cursor'
import { projectsInScope } from '../projects/scope'
import { versionOf } from '../versions/version-of'
import type { Principal } from './principal'

/**
 * Who is in the principal's org, the longest-standing first (ids are time-ordered), a page after the `cursor`. How others sign in is told to admins only: it says
 * whom to try.
 */
export async function listMembers(orm: Orm, principal: Principal, { search, userId, notInProject, limit, cursor }: MemberQuery): Promise<MemberPage> {
  const found = await orm
    .select({ id: orgMembers.id, userId: users.id, name: users.name, email: users.email, role: orgMembers.role, twoFactor: users.twoFactorEnabled, lastLoginAt: users.lastLoginAt,
      sessions: sql<number>`(select count(*)::int from ${authSessions} where ${authSessions.userId} = ${users.id} and ${authSessions.expiresAt} > now())`, joinedAt: orgMembers.createdAt })
    .from(orgMembers)
    .innerJoin(users, eq(users.id, orgMembers.userId))
    .where(and(
      eq(orgMembers.orgId, principal.orgId),
      search ? or(ilike(users.name, containsPattern(search)), ilike(users.email, containsPattern(search))) : undefined,
      userId ? eq(orgMembers.userId, userId) : undefined,
      notInProject ? isOutside(orm, principal, notInProject) : undefined,
      cursor ? gt(orgMembers.id, cursor) : undefined
    ))
    .orderBy(asc(orgMembers.id))
    .limit(limit + 1)
  const rows = found.slice(0, limit)
  const sees = (member: { userId: string }) => member.userId === principal.userId || roleReaches(principal.role, 'admin')
  return {
    members: rows.map(({ twoFactor, lastLoginAt, sessions, joinedAt, ...member }) => ({
      ...member,
      version: versionOf({ role: member.role }),
      signIn: sees(member) ? { twoFactor, lastLoginAt: lastLoginAt?.toISOString() ?? null, sessions } : null,
      joinedAt: joinedAt.toISOString()
    })),
    nextCursor: found.length > limit ? rows.at(-1)?.id ?? null : null
  }
}

/** Not named in a project. Of one that the principal may not open it tells nothing: everybody is outside. */
function isOutside(orm: Orm, principal: Principal, projectId: string): SQL {
  return notExists(orm
    .select({ userId: projectMembers.userId })
    .from(projectMembers)
    .innerJoin(projects, and(eq(projects.id, projectMembers.projectId), projectsInScope(principal)))
    .where(and(eq(projectMembers.projectId, projectId), eq(projectMembers.userId, orgMembers.userId))))
}
