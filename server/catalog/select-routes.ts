import { asc, eq, inArray } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { modelRoutes, modelRouteTargets } from '../../db/schema'
import type { ModelRoute, RouteTarget } from '../../shared/model-routes'
import { mayEdit } from '../connections/to-connection'
import type { Principal } from '../identity/principal'
import { versionOf } from '../versions/version-of'

/** The routes a condition finds, with their targets, by alias. The condition names the org. */
export async function selectRoutes(orm: Orm, principal: Principal, condition: SQL | undefined): Promise<ModelRoute[]> {
  const routes = await orm.select().from(modelRoutes).where(condition).orderBy(asc(modelRoutes.alias), asc(modelRoutes.id))
  const targets = await selectTargets(orm, routes.map(route => route.id))
  return routes.map((route) => {
    const fields = {
      alias: route.alias,
      description: route.description,
      strategy: route.strategy,
      targets: targets.filter(target => target.routeId === route.id).map(({ routeId: _, ...target }) => target)
    }
    return { id: route.id, version: versionOf(fields), ...fields, platform: route.orgId === null, editable: mayEdit(principal, route), createdAt: route.createdAt.toISOString() }
  })
}

/** What of a route can be changed. */
export function routeFields({ alias, description, strategy, targets }: ModelRoute) {
  return { alias, description, strategy, targets }
}

async function selectTargets(orm: Orm, routeIds: string[]): Promise<(RouteTarget & { routeId: string })[]> {
  if (routeIds.length === 0) return []
  return orm
    .select({
      routeId: modelRoutes.id,
      connectionId: modelRouteTargets.connectionId,
      upstreamModel: modelRouteTargets.upstreamModel,
      priority: modelRouteTargets.priority,
      weight: modelRouteTargets.weight,
      timeoutMs: modelRouteTargets.timeoutMs,
      retries: modelRouteTargets.retries
    })
    .from(modelRouteTargets)
    .innerJoin(modelRoutes, eq(modelRoutes.id, modelRouteTargets.routeId))
    .where(inArray(modelRoutes.id, routeIds))
    .orderBy(asc(modelRouteTargets.priority), asc(modelRouteTargets.id))
}
