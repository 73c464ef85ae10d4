import { and, inArray } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { projects } from '../../db/schema'
import { projectsNamedTo } from './scope'
import type { Reader } from './scope'

/** What the projects of figures are called, by id; without those that are closed to the reader. */
export async function findProjectNames(orm: Orm, reader: Reader, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await orm.select({ id: projects.id, name: projects.name }).from(projects).where(and(projectsNamedTo(reader), inArray(projects.id, [...ids])))
  return new Map(rows.map(({ id, name }) => [id, name]))
}
