import { and, asc, desc, eq, inArray, isNotNull, isNull, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { prepareOnce } from '../../db/prepare-once'
import { authSessions, orgMembers, orgs, users } from '../../db/schema'
import type { MemberRole } from '../../shared/identity'

/** Whose session it is, and where it acts. */
export interface FoundSession {
  userId: string
  platformAdmin: boolean
  expiresAt: Date
  /** The active org it was switched to, else the first that its user joined; null where all of them are inactive. */
  org: { id: string, role: MemberRole } | null
}

const sessionByToken = prepareOnce(orm => orm
  .select({ userId: users.id, userRole: users.role, expiresAt: authSessions.expiresAt, orgId: orgs.id, role: orgMembers.role })
  .from(authSessions)
  .innerJoin(users, eq(users.id, authSessions.userId))
  .leftJoin(orgMembers, eq(orgMembers.userId, users.id))
  .leftJoin(orgs, and(eq(orgs.id, orgMembers.orgId), eq(orgs.status, 'active'), isNull(orgs.deletedAt)))
  // A login may have raced the deactivation, which ended the sessions there were.
  .where(and(eq(authSessions.token, sql.placeholder('token')), isNull(users.deactivatedAt)))
  .orderBy(sql`${orgs.id} is null`, desc(sql`${orgs.id} = ${authSessions.activeOrgId}`), asc(orgMembers.createdAt), asc(orgMembers.id))
  .limit(1)
  .prepare('session_by_token'))

/** The session with that token as it stands now, ended or not: all that is asked of it on every request, in one query. */
export async function findSession(orm: Orm, token: string): Promise<FoundSession | undefined> {
  const [row] = await sessionByToken(orm).execute({ token })
  if (!row) return undefined
  const { userId, userRole, expiresAt, orgId, role } = row
  return { userId, platformAdmin: userRole === 'admin', expiresAt, org: orgId && role ? { id: orgId, role } : null }
}

/** Ends the session of a login that raced the deactivation of its user, for the sign-in library would go on with it. */
export async function endRacedSession(orm: Orm, token: string): Promise<void> {
  const deactivated = orm.select({ id: users.id }).from(users).where(isNotNull(users.deactivatedAt))
  await orm.delete(authSessions).where(and(eq(authSessions.token, token), inArray(authSessions.userId, deactivated)))
}
