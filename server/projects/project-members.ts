import { and, asc, eq, gt, ilike, or } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { orgMembers, projectMembers, projects, users } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import type { ProjectMember, ProjectMemberPage, ProjectMemberQuery, ProjectRole, SetProjectMember } from '../../shared/projects'
import { requireVersion } from '../versions/require-version'
import { versionOf } from '../versions/version-of'
import { projectNotFound } from './get-project'
import { containsPattern } from './list-cursor'
import { requireSharing } from './require-sharing'
import { projectsInScope } from './scope'
import type { Scope } from './scope'

/**
 * Who was named in a project, the longest-standing of the org first (ids are time-ordered), a page after the `cursor`.
 * @throws {LoomError} `not_found` when the scope has no such project
 */
export async function listProjectMembers(orm: Orm, scope: Scope, projectId: string, { search, limit, cursor }: ProjectMemberQuery): Promise<ProjectMemberPage> {
  const [project] = await orm.select({ id: projects.id }).from(projects).where(and(projectsInScope(scope), eq(projects.id, projectId)))
  if (!project) throw projectNotFound()
  const found = await selectMembers(orm, scope.orgId, projectId, and(
    search ? or(ilike(users.name, containsPattern(search)), ilike(users.email, containsPattern(search))) : undefined,
    cursor ? gt(orgMembers.id, cursor) : undefined
  )).orderBy(asc(orgMembers.id)).limit(limit + 1)
  const rows = found.slice(0, limit)
  return { members: rows.map(toMember), nextCursor: found.length > limit ? rows.at(-1)?.memberId ?? null : null, unnamedVersion: versionOf(memberFields(undefined)) }
}

/** What of somebody in a project can be changed; of who is not named, too. */
function memberFields(member: { role: ProjectRole } | undefined) {
  return { role: member?.role ?? null }
}

/**
 * Names a member of the org in a project, or changes what they may do there.
 * @param version of them there as the author saw them; undefined: whatever they are now
 * @throws {LoomError} `not_found` for a project out of scope and for who is no member of the org, `conflict` when their role there is another by now,
 * `forbidden`, `insufficient_scope` as `requireSharing`
 */
export async function setProjectMember(orm: Orm, author: Author, projectId: string, userId: string, { role }: SetProjectMember, version?: string): Promise<ProjectMember> {
  const { orgId } = author.principal
  return orm.transaction(async (transaction) => {
    await lockForSharing(transaction, author, projectId)
    const [member] = await transaction.select({ id: orgMembers.id }).from(orgMembers).where(and(eq(orgMembers.orgId, orgId), eq(orgMembers.userId, userId)))
    if (!member) throw new LoomError('not_found', 'There is no such member in this organisation.')
    const before = await findMember(transaction, orgId, projectId, userId)
    if (before?.role === role) return before
    await requireVersion(transaction, { orgId, target: `project:${projectId}`, actions: ['project.member'], detail: { userId }, fields: memberFields(before), expected: version })
    await transaction.insert(projectMembers).values({ orgId, projectId, userId, role })
      .onConflictDoUpdate({ target: [projectMembers.projectId, projectMembers.userId], set: { role } })
    await recordChange(transaction, author, { action: 'project.member', target: `project:${projectId}`, before: before && { userId, role: before.role }, after: { userId, role } })
    const named = await findMember(transaction, orgId, projectId, userId)
    if (!named) throw projectNotFound()
    return named
  })
}

/**
 * Takes somebody out of a project; who is not in it stays out.
 * @throws {LoomError} as `setProjectMember`
 */
export async function removeProjectMember(orm: Orm, author: Author, projectId: string, userId: string): Promise<void> {
  await orm.transaction(async (transaction) => {
    await lockForSharing(transaction, author, projectId)
    const [before] = await transaction.delete(projectMembers)
      .where(and(eq(projectMembers.orgId, author.principal.orgId), eq(projectMembers.projectId, projectId), eq(projectMembers.userId, userId)))
      .returning({ role: projectMembers.role })
    if (before) await recordChange(transaction, author, { action: 'project.member', target: `project:${projectId}`, before: { userId, role: before.role } })
  })
}

async function lockForSharing(transaction: Orm, { principal }: Author, projectId: string): Promise<void> {
  const [project] = await transaction.select({ createdBy: projects.createdBy }).from(projects).where(and(projectsInScope(principal), eq(projects.id, projectId))).for('update')
  if (!project) throw projectNotFound()
  requireSharing(principal, project)
}

/** Those who left the org are no members of its projects either. */
function selectMembers(orm: Orm, orgId: string, projectId: string, which: SQL | undefined) {
  return orm
    .select({ memberId: orgMembers.id, userId: users.id, name: users.name, email: users.email, role: projectMembers.role, orgRole: orgMembers.role })
    .from(projectMembers)
    .innerJoin(users, eq(users.id, projectMembers.userId))
    .innerJoin(orgMembers, and(eq(orgMembers.orgId, projectMembers.orgId), eq(orgMembers.userId, projectMembers.userId)))
    .where(and(eq(projectMembers.orgId, orgId), eq(projectMembers.projectId, projectId), which))
}

async function findMember(orm: Orm, orgId: string, projectId: string, userId: string): Promise<ProjectMember | undefined> {
  const [row] = await selectMembers(orm, orgId, projectId, eq(projectMembers.userId, userId))
  return row && toMember(row)
}

function toMember({ memberId, ...member }: Omit<ProjectMember, 'version'> & { memberId: string }): ProjectMember {
  return { ...member, version: versionOf(memberFields(member)) }
}
