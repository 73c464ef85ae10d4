import { and, eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { projects } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import type { Project } from '../../shared/projects'
import { getProject, projectNotFound } from './get-project'
import { requireSharing } from './require-sharing'
import { projectsInScope, projectsNamedTo } from './scope'

/** How long a deleted project can be brought back. */
const DELETED_DAYS = 30

/**
 * Of `projects`, in SQL: those whose conversations and files are deleted for good. An hour after the last moment to bring one back, so that
 * no restoring meets the purge.
 */
export const isPurgedProject = `projects.deleted_at < now() - interval '${DELETED_DAYS} days 1 hour'`

/**
 * Hides a project with all that is in it, and refuses its keys; for 30 days `restoreProject` brings everything back. For admins and whoever made it.
 * @throws {LoomError} `not_found` when the scope has no such project, `forbidden`, `insufficient_scope` for a key bound to it
 */
export async function deleteProject(orm: Orm, author: Author, projectId: string): Promise<void> {
  const { principal } = author
  await orm.transaction(async (transaction) => {
    const [project] = await transaction.select({ name: projects.name, createdBy: projects.createdBy }).from(projects)
      .where(and(projectsInScope(principal), eq(projects.id, projectId))).for('update')
    if (!project) throw projectNotFound()
    requireSharing(principal, project)
    await transaction.update(projects).set({ deletedAt: sql`now()` }).where(and(eq(projects.orgId, principal.orgId), eq(projects.id, projectId)))
    await recordChange(transaction, author, { action: 'project.delete', target: `project:${projectId}`, before: { name: project.name } })
    // Its keys are known to every replica.
    await transaction.execute(sql`select pg_notify('loom_orgs', ${principal.orgId})`)
  })
}

/** @throws {LoomError} `not_found` when no such project was deleted in the last 30 days, `forbidden`, `insufficient_scope` as `deleteProject` */
export async function restoreProject(orm: Orm, author: Author, projectId: string): Promise<Project> {
  const { principal } = author
  return orm.transaction(async (transaction) => {
    const [project] = await transaction.select({ name: projects.name, createdBy: projects.createdBy }).from(projects)
      .where(and(projectsNamedTo(principal), eq(projects.id, projectId), sql`${projects.deletedAt} > now() - ${DELETED_DAYS} * interval '1 day'`)).for('update')
    // Who could not have deleted it must not learn that it was there.
    if (!project || principal.projectId !== null) throw projectNotFound()
    requireSharing(principal, project)
    await transaction.update(projects).set({ deletedAt: null }).where(and(eq(projects.orgId, principal.orgId), eq(projects.id, projectId)))
    await recordChange(transaction, author, { action: 'project.restore', target: `project:${projectId}`, after: { name: project.name } })
    await transaction.execute(sql`select pg_notify('loom_orgs', ${principal.orgId})`)
    return getProject(transaction, principal, projectId)
  })
}
