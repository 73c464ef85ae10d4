import { and, desc, eq, gte, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { projects, usageRecords, users } from '../../db/schema'
import type { ProjectActivity } from '../../shared/projects'
import { projectNotFound } from './get-project'
import { projectsInScope } from './scope'
import type { Scope } from './scope'

const DAYS = 30
const LINES_MAX = 10

const figures = {
  calls: sql<number>`count(*)::int`,
  tokens: sql<string>`coalesce(sum(${usageRecords.inputTokens} + ${usageRecords.outputTokens}), 0)::text`,
  cost: sql<string>`coalesce(sum(${usageRecords.cost}), 0)::text`
}
const day = sql<string>`to_char(${usageRecords.createdAt} at time zone 'UTC', 'YYYY-MM-DD')`
const dearest = desc(sql`sum(${usageRecords.cost})`)

/**
 * What a project's calls used in the last 30 days: in all, by day, by model and by person.
 * @throws {LoomError} `not_found` when the scope has no such project
 */
export async function reportActivity(orm: Orm, scope: Scope, projectId: string): Promise<ProjectActivity> {
  const [project] = await orm.select({ id: projects.id }).from(projects).where(and(projectsInScope(scope), eq(projects.id, projectId)))
  if (!project) throw projectNotFound()
  const recent = and(eq(usageRecords.orgId, scope.orgId), eq(usageRecords.projectId, projectId), gte(usageRecords.createdAt, sql`now() - ${DAYS} * interval '1 day'`))
  const days = await orm.select({ ...figures, day }).from(usageRecords).where(recent).groupBy(day).orderBy(day)
  const models = await orm.select({ ...figures, model: usageRecords.model }).from(usageRecords).where(recent).groupBy(usageRecords.model).orderBy(dearest, usageRecords.model).limit(LINES_MAX)
  const people = await orm.select({ ...figures, userId: usageRecords.userId, name: users.name }).from(usageRecords).leftJoin(users, eq(users.id, usageRecords.userId))
    .where(recent).groupBy(usageRecords.userId, users.name).orderBy(dearest).limit(LINES_MAX)
  const [total] = await orm.select(figures).from(usageRecords).where(recent)
  return {
    total: toLine(total ?? { calls: 0, tokens: '0', cost: '0' }),
    byDay: days.map(row => ({ ...toLine(row), day: row.day })),
    byModel: models.map(row => ({ ...toLine(row), model: row.model })),
    byPerson: people.map(row => ({ ...toLine(row), userId: row.userId, name: row.name }))
  }
}

function toLine({ calls, tokens, cost }: { calls: number, tokens: string, cost: string }) {
  return { calls, tokens: Number(tokens), costNanoUsd: cost }
}
