import { eq } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { modelRoutes } from '../../db/schema'
import { recordChange } from '../audit/record'
import type { Author } from '../audit/record'
import { notifyCatalog } from '../connections/notify-catalog'
import { lockRoute } from './write-route'

/**
 * Deletes a route and its targets; calls that name it are refused at once.
 * @throws {LoomError} `not_found` or `forbidden`
 */
export async function deleteRoute(orm: Orm, author: Author, routeId: string): Promise<void> {
  await orm.transaction(async (transaction) => {
    const route = await lockRoute(transaction, author.principal, routeId)
    await transaction.delete(modelRoutes).where(eq(modelRoutes.id, route.id))
    await recordChange(transaction, author, { action: 'model_route.delete', target: `model_route:${route.id}`, before: { alias: route.alias, platform: route.orgId === null } })
    await notifyCatalog(transaction, route.orgId)
  })
}
