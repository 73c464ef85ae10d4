import { and, eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { projectMembers, projects } from '../../db/schema'
import { Policy } from '../../shared/policy'
import type { Project, UpdateProject } from '../../shared/projects'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { LoomError } from '../errors'
import { requireRole } from '../identity/principal'
import { getProject, projectNotFound } from './get-project'
import { versionOf } from '../versions/version-of'
import { requireVersion } from '../versions/require-version'
import { requireSharing } from './require-sharing'
import { projectsInScope } from './scope'
import { projectFields } from './select-projects'

/**
 * Changes what `input` names. Archiving twice keeps the first time. Rules are an admin's to set, and not by a key that they bind.
 * Who may open it is said by admins and by whoever made it.
 * @param version of the project as the author saw it; undefined: whatever it is now
 * @throws {LoomError} `not_found` when the scope has no such project, `conflict` when it is another by now, `forbidden` or `insufficient_scope` for rules and for access
 */
export async function updateProject(orm: Orm, author: Author, projectId: string, input: UpdateProject, version?: string): Promise<Project> {
  const { principal } = author
  const { archived, policy, access, ...fields } = input
  const archivedAt = archived === undefined ? undefined : archived ? sql`coalesce(${projects.archivedAt}, now())` : null
  return orm.transaction(async (transaction) => {
    const isThisProject = and(projectsInScope(principal), eq(projects.id, projectId))
    const [before] = await transaction.select().from(projects).where(isThisProject).for('update')
    if (!before) throw projectNotFound()
    await requireVersion(transaction, { orgId: principal.orgId, target: `project:${projectId}`, actions: ['project.update', 'project.policy', 'project.access'], fields: projectFields(before), expected: version })
    if (policy) {
      requireRole(principal, 'admin')
      if (principal.projectId !== null) throw new LoomError('insufficient_scope', 'This API key is bound to the project, so it cannot change the project\'s policy.')
      await recordChange(transaction, author, { action: 'project.policy', target: `project:${projectId}`, before: Policy.parse(before.policy), after: policy })
      await transaction.execute(sql`select pg_notify('loom_orgs', ${principal.orgId})`)
    }
    if (access && access !== before.access) {
      requireSharing(principal, before)
      // Whoever closes it stays in it.
      const { userId } = principal
      const [named] = await transaction.insert(projectMembers).values({ orgId: principal.orgId, projectId, userId, role: 'editor' }).onConflictDoNothing().returning({ role: projectMembers.role })
      await recordChange(transaction, author, { action: 'project.access', target: `project:${projectId}`, before: { access: before.access }, after: { access } })
      if (named) await recordChange(transaction, author, { action: 'project.member', target: `project:${projectId}`, after: { userId, ...named } })
    }
    const [after] = await transaction.update(projects).set({ ...fields, access, policy, archivedAt, updatedAt: new Date() }).where(isThisProject).returning()
    if (!after) throw new Error('The project just written was not returned')
    const { policy: _before, ...was } = projectFields(before)
    const { policy: _after, ...is } = projectFields(after)
    if (versionOf(was) !== versionOf(is)) await recordChange(transaction, author, { action: 'project.update', target: `project:${projectId}`, before: was, after: is })
    return getProject(transaction, principal, projectId)
  })
}
