import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { modelRoutes } from '../../db/schema'
import type { ModelRoute, UpdateModelRoute } from '../../shared/model-routes'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { notifyCatalog } from '../connections/notify-catalog'
import { requireVersion } from '../versions/require-version'
import { routeFields, selectRoutes } from './select-routes'
import { lockRoute, replaceTargets, requireFreeAlias } from './write-route'

/**
 * Changes what `change` names.
 * @param version of the route as the author saw it; undefined: whatever it is now
 * @throws {LoomError} `not_found`, `forbidden`, or `conflict` when the alias is taken or the route is another by now
 */
export async function updateRoute(orm: Orm, author: Author, routeId: string, { targets, ...change }: UpdateModelRoute, version?: string): Promise<ModelRoute> {
  const { principal } = author
  return orm.transaction(async (transaction) => {
    const route = await lockRoute(transaction, principal, routeId)
    const read = async () => {
      const [found] = await selectRoutes(transaction, principal, eq(modelRoutes.id, route.id))
      if (!found) throw new Error('The route just locked cannot be read')
      return found
    }
    const before = await read()
    await requireVersion(transaction, { orgId: route.orgId, target: `model_route:${route.id}`, actions: ['model_route.update'], fields: routeFields(before), expected: version })
    if (change.alias !== undefined) await requireFreeAlias(transaction, route, change.alias)
    await transaction.update(modelRoutes).set({ ...change, updatedAt: new Date() }).where(eq(modelRoutes.id, route.id))
    if (targets) await replaceTargets(transaction, route, targets)
    const after = await read()
    await recordChange(transaction, author, { action: 'model_route.update', target: `model_route:${route.id}`, before: routeFields(before), after: routeFields(after) })
    await notifyCatalog(transaction, route.orgId)
    return after
  })
}
