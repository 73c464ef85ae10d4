import { and, asc, eq, isNull } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgMembers, orgs } from '../../db/schema'
import type { OrgSummary } from '../../shared/identity'

/** The active orgs a user is in, with their role, in the order they joined. */
export async function findMemberships(orm: Orm, userId: string): Promise<OrgSummary[]> {
  return orm
    .select({ id: orgs.id, name: orgs.name, slug: orgs.slug, role: orgMembers.role })
    .from(orgMembers)
    .innerJoin(orgs, eq(orgs.id, orgMembers.orgId))
    .where(and(eq(orgMembers.userId, userId), eq(orgs.status, 'active'), isNull(orgs.deletedAt)))
    .orderBy(asc(orgMembers.createdAt), asc(orgMembers.id))
}
