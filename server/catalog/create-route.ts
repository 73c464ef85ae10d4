import { eq } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Orm } from '../../db/client'
import { modelRoutes } from '../../db/schema'
import type { CreateModelRoute, ModelRoute } from '../../shared/model-routes'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { requireRoom } from '../audit/require-room'
import { notifyCatalog } from '../connections/notify-catalog'
import { LoomError } from '../errors'
import { selectRoutes } from './select-routes'
import { replaceTargets, requireFreeAlias } from './write-route'

const MAX_ROUTES = 500

/**
 * Makes a route of the author's org, or of the whole platform.
 * @throws {LoomError} `forbidden`, `conflict` when the alias is taken, or the org has as many as it may, `not_found` for a connection it may not lead to
 */
export async function createRoute(orm: Orm, author: Author, { platform, targets, ...input }: CreateModelRoute): Promise<ModelRoute> {
  const { principal } = author
  if (platform && !principal.platformAdmin) throw new LoomError('forbidden', 'Only platform admins make routes for every organisation.')
  const route = { id: uuidv7(), orgId: platform ? null : principal.orgId }
  return orm.transaction(async (transaction) => {
    await requireFreeAlias(transaction, route, input.alias)
    await transaction.insert(modelRoutes).values({ ...route, ...input })
    await replaceTargets(transaction, route, targets)
    await recordChange(transaction, author, { action: 'model_route.create', target: `model_route:${route.id}`, after: { ...input, platform, targets } })
    if (route.orgId !== null) await requireRoom(transaction, modelRoutes, eq(modelRoutes.orgId, route.orgId), MAX_ROUTES, 'routes')
    await notifyCatalog(transaction, route.orgId)
    const [created] = await selectRoutes(transaction, principal, eq(modelRoutes.id, route.id))
    if (!created) throw new Error('The route just written cannot be read')
    return created
  })
}
