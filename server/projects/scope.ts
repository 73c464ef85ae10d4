import type { SQL } from 'drizzle-orm'
import { and, eq, isNull, sql } from 'drizzle-orm'
import { conversations, projectMembers, projects } from '../../db/schema'
import { roleReaches } from '../../shared/roles'
import type { MemberRole } from '../../shared/identity'

/** What a caller may reach: an org, or one project of it when a key is bound to that. A `Principal` is one. */
export interface Scope {
  orgId: string
  projectId: string | null
  userId: string
  /** In the org: its admins reach every project. */
  role: MemberRole
  /** Reaches only what may also be written. */
  writes?: boolean
}

/** Who reads an org's figures: a `Scope`, or an API key, whose maker may be nobody. */
export type Reader = Omit<Scope, 'userId'> & { userId: string | null }

/** Belongs in the `where` of every query on projects. */
export function projectsInScope(scope: Scope): SQL | undefined {
  return and(projectsNamedTo(scope), isNull(projects.deletedAt))
}

/** Belongs wherever figures that everybody may see name their projects: those `reader` may open, and those they could until they were deleted. */
export function projectsNamedTo(reader: Reader): SQL | undefined {
  return and(eq(projects.orgId, reader.orgId), reader.projectId === null ? undefined : eq(projects.id, reader.projectId), sharedWith(reader))
}

/** Belongs in the `where` of every query on conversations. */
export function conversationsInScope(scope: Scope): SQL | undefined {
  const project = sql`select 1 from ${projects} where ${projects.id} = ${conversations.projectId} and ${and(projectsInScope(scope))}`
  return and(eq(conversations.orgId, scope.orgId), sql`exists (${project})`)
}

/** Of projects: open to the whole org, or to the caller by name. */
function sharedWith({ userId, role, writes }: Reader): SQL | undefined {
  if (roleReaches(role, 'admin')) return undefined
  const named = sql`exists (select 1 from ${projectMembers} where ${projectMembers.projectId} = ${projects.id} and ${projectMembers.userId} = ${userId}${writes ? sql` and ${projectMembers.role} = 'editor'` : sql``})`
  return sql`(${projects.access} = 'org' or ${named})`
}
