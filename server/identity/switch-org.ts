import { and, eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { authSessions } from '../../db/schema'
import type { OrgSummary } from '../../shared/identity'
import { LoomError } from '../errors'
import { findMemberships } from './find-memberships'

/**
 * Makes an org the one a session acts in.
 * @throws {LoomError} `not_found` when the user is not in it
 */
export async function switchOrg(orm: Orm, session: { token: string, userId: string }, orgId: string): Promise<OrgSummary> {
  const org = (await findMemberships(orm, session.userId)).find(membership => membership.id === orgId)
  if (!org) throw new LoomError('not_found', 'There is no organisation of yours with this id.')
  await orm.update(authSessions).set({ activeOrgId: orgId }).where(and(eq(authSessions.token, session.token), eq(authSessions.userId, session.userId)))
  return org
}
