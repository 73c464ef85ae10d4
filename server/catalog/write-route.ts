import { and, eq, inArray, isNull, ne, or } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { modelRoutes, modelRouteTargets, providerConnections } from '../../db/schema'
import type { RouteTarget } from '../../shared/model-routes'
import { mayEdit } from '../connections/to-connection'
import { LoomError } from '../errors'
import type { Principal } from '../identity/principal'

interface Owned {
  id: string
  /** null: the platform's. */
  orgId: string | null
}

/**
 * A route about to be changed, locked until the transaction ends.
 * @throws {LoomError} `not_found`, or `forbidden` for one of the platform's that the principal only uses
 */
export async function lockRoute(transaction: Orm, principal: Principal, routeId: string): Promise<typeof modelRoutes.$inferSelect> {
  const [route] = await transaction
    .select()
    .from(modelRoutes)
    .where(and(eq(modelRoutes.id, routeId), or(eq(modelRoutes.orgId, principal.orgId), isNull(modelRoutes.orgId))))
    .for('update')
  if (!route) throw new LoomError('not_found', 'There is nothing with this id.')
  if (!mayEdit(principal, route)) throw new LoomError('forbidden', 'This route belongs to the platform; only platform admins change it.')
  return route
}

/** @throws {LoomError} `conflict` when the owner has another route of this alias */
export async function requireFreeAlias(transaction: Orm, { id, orgId }: Owned, alias: string): Promise<void> {
  const owner = orgId === null ? isNull(modelRoutes.orgId) : eq(modelRoutes.orgId, orgId)
  const taken = await transaction.select({ id: modelRoutes.id }).from(modelRoutes).where(and(owner, eq(modelRoutes.alias, alias), ne(modelRoutes.id, id)))
  if (taken.length > 0) throw new LoomError('conflict', `There is a route named ${alias} already.`, { param: 'alias' })
}

/**
 * Makes `targets` the targets of a route, in their order. An org's route leads to its own and the platform's connections, a platform's to the platform's.
 * @throws {LoomError} `not_found` for any other connection
 */
export async function replaceTargets(transaction: Orm, { id, orgId }: Owned, targets: readonly RouteTarget[]): Promise<void> {
  const ids = [...new Set(targets.map(target => target.connectionId))]
  const owner = orgId === null ? isNull(providerConnections.orgId) : or(eq(providerConnections.orgId, orgId), isNull(providerConnections.orgId))
  const known = await transaction.select({ id: providerConnections.id }).from(providerConnections).where(and(inArray(providerConnections.id, ids), owner))
  if (known.length < ids.length) throw new LoomError('not_found', 'There is no connection with this id.', { param: 'targets' })
  await transaction.delete(modelRouteTargets).where(eq(modelRouteTargets.routeId, id))
  await transaction.insert(modelRouteTargets).values(targets.map(target => ({ ...target, routeId: id, orgId })))
}
