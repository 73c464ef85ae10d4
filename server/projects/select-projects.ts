import { and, eq, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { conversations, projectMembers, projects } from '../../db/schema'
import { roleReaches } from '../../shared/roles'
import { ModelParameters } from '../../shared/model-parameters'
import { Policy } from '../../shared/policy'
import type { Project } from '../../shared/projects'
import { versionOf } from '../versions/version-of'
import { exactTimestamp } from './list-cursor'
import type { Scope } from './scope'

/** The moment a project is sorted by; meaningful only inside `selectProjects`. */
export const projectActivity = sql`coalesce(activity.last_active_at, ${projects.createdAt})`

/** What a project's conversations have cost; meaningful only inside `selectProjects`. */
export const projectSpend = sql`coalesce(activity.spend, '0')::numeric`

/** Projects with the figures of their conversations and what the reader may do there; the caller adds scope, order and limit. */
export function selectProjects(orm: Orm, { userId }: Scope) {
  const activity = orm
    .select({
      conversationCount: sql<number>`count(*) filter (where ${conversations.deletedAt} is null)::int`.as('conversation_count'),
      lastActiveAt: sql`max(${conversations.lastActiveAt}) filter (where ${conversations.deletedAt} is null)`.as('last_active_at'),
      spend: sql<string>`coalesce(sum(${conversations.cost}), 0)::text`.as('spend')
    })
    .from(conversations)
    .where(and(eq(conversations.orgId, projects.orgId), eq(conversations.projectId, projects.id)))
    .as('activity')
  return orm
    .select({
      project: projects,
      conversationCount: activity.conversationCount,
      spendNanoUsd: activity.spend,
      lastActiveAt: exactTimestamp(projectActivity),
      memberRole: sql<string | null>`(select role from ${projectMembers} where ${projectMembers.projectId} = ${projects.id} and ${projectMembers.userId} = ${userId})`
    })
    .from(projects)
    .leftJoinLateral(activity, sql`true`)
}

/** What of a project can be changed. */
export function projectFields({ name, description, instructions, defaultModel, parameters, policy, archivedAt }: typeof projects.$inferSelect) {
  return { name, description, instructions, defaultModel, parameters: ModelParameters.parse(parameters), policy: Policy.parse(policy), archived: archivedAt !== null }
}

type ProjectRow = Awaited<ReturnType<typeof selectProjects>>[number]

export function toProject(reader: Scope, { project, conversationCount, spendNanoUsd, lastActiveAt, memberRole }: ProjectRow): Project {
  const isAdmin = roleReaches(reader.role, 'admin')
  const mayWrite = roleReaches(reader.role, 'member') && (isAdmin || project.access === 'org' || memberRole === 'editor')
  return {
    id: project.id,
    version: versionOf(projectFields(project)),
    name: project.name,
    description: project.description,
    instructions: project.instructions,
    defaultModel: project.defaultModel,
    parameters: ModelParameters.parse(project.parameters),
    access: project.access,
    mayWrite,
    mayShare: isAdmin || (mayWrite && project.createdBy === reader.userId),
    policy: Policy.parse(project.policy),
    archivedAt: project.archivedAt?.toJSON() ?? null,
    createdAt: project.createdAt.toJSON(),
    updatedAt: project.updatedAt.toJSON(),
    conversationCount: conversationCount ?? 0,
    lastActiveAt,
    spendNanoUsd: spendNanoUsd ?? '0'
  }
}
