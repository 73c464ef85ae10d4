import type { SQL } from 'drizzle-orm'
import { and, asc, desc, ilike, isNotNull, isNull, or, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { projects } from '../../db/schema'
import type { Project, ProjectPage, ProjectQuery } from '../../shared/projects'
import { containsPattern, decodeProjectCursor, encodeProjectCursor } from './list-cursor'
import type { ProjectPosition } from './list-cursor'
import { projectsInScope } from './scope'
import type { Scope } from './scope'
import { projectActivity, projectSpend, selectProjects, toProject } from './select-projects'

interface Order {
  by: SQL
  /** The same of the project that ended a page, as its cursor tells. */
  at: (end: ProjectPosition, orgId: string) => SQL
  /** What the cursor has to tell for that: the figures that change. */
  tell?: (project: Project) => string
  ascending?: boolean
}

const orders: Record<ProjectQuery['sort'], Order> = {
  activity: { by: projectActivity, at: ({ value }) => sql`${value}::timestamptz`, tell: project => project.lastActiveAt },
  spend: { by: projectSpend, at: ({ value }) => sql`${value}::numeric`, tell: project => project.spendNanoUsd },
  created: { by: sql`${projects.createdAt}`, at: ({ id }, orgId) => sql`(select ended.created_at from projects ended where ended.id = ${id}::uuid and ended.org_id = ${orgId})` },
  name: { by: sql`lower(${projects.name})`, at: ({ id }, orgId) => sql`(select lower(ended.name) from projects ended where ended.id = ${id}::uuid and ended.org_id = ${orgId})`, ascending: true }
}

/**
 * One page of the projects in scope, in the order asked for.
 * @throws {LoomError} `invalid_request` for a cursor that is not ours, or of another order
 */
export async function listProjects(orm: Orm, scope: Scope, query: ProjectQuery): Promise<ProjectPage> {
  const order = orders[query.sort]
  const after = query.cursor === undefined ? undefined : decodeProjectCursor(query.cursor, query.sort)
  const pattern = query.search ? containsPattern(query.search) : undefined
  const direction = order.ascending ? asc : desc
  const rows = await selectProjects(orm, scope)
    .where(and(
      projectsInScope(scope),
      query.archived ? isNotNull(projects.archivedAt) : isNull(projects.archivedAt),
      pattern === undefined ? undefined : or(ilike(projects.name, pattern), ilike(projects.description, pattern)),
      after && sql`(${order.by}, ${projects.id}) ${order.ascending ? sql`>` : sql`<`} (${order.at(after, scope.orgId)}, ${after.id}::uuid)`
    ))
    .orderBy(direction(order.by), direction(projects.id))
    .limit(query.limit + 1)
  const page = rows.slice(0, query.limit).map(row => toProject(scope, row))
  const last = page.at(-1)
  return { projects: page, nextCursor: last && rows.length > query.limit ? encodeProjectCursor({ sort: query.sort, value: order.tell?.(last) ?? '', id: last.id }) : null }
}
