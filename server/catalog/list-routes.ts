import { eq, isNull, or } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { modelRoutes } from '../../db/schema'
import type { ModelRouteList } from '../../shared/model-routes'
import type { Principal } from '../identity/principal'
import { selectRoutes } from './select-routes'

/** The org's own routes and the platform's. */
export async function listRoutes(orm: Orm, principal: Principal): Promise<ModelRouteList> {
  return { routes: await selectRoutes(orm, principal, or(eq(modelRoutes.orgId, principal.orgId), isNull(modelRoutes.orgId))) }
}
