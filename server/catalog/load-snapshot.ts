import { and, asc, desc, eq, isNull, lte, or } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import type { Orm } from '../../db/client'
import type { RouteStrategy } from '../../shared/model-routes'
import { modelPrices, modelRoutes, modelRouteTargets, providerConnections } from '../../db/schema/catalog'
import { orgs } from '../../db/schema/identity'

export type ConnectionRow = typeof providerConnections.$inferSelect
export type PriceRow = typeof modelPrices.$inferSelect

export interface RouteRow {
  alias: string
  description: string
  platform: boolean
  createdAt: Date
  /** By ascending priority, then as they are listed. */
  targets: TargetRow[]
}

/** One target of a route, with how its route treats it. */
export interface TargetRow {
  connection: ConnectionRow
  upstreamModel: string
  strategy: RouteStrategy
  priority: number
  weight: number
  timeoutMs: number | null
  retries: number | null
}

/** All an org may call: its own and the platform's active connections, routes and price overrides. */
export interface Snapshot {
  /** Opens the secrets of the org's own connections. */
  orgSalt: Buffer
  /** The org's own first, then the platform's; older ones first. */
  connections: ConnectionRow[]
  /** By alias; the org's own route hides the platform's of that name. A route without an active target is left out. */
  routes: Map<string, RouteRow>
  /** By `priceName`: the org's own, else the platform's newest that has come into effect. */
  prices: Map<string, PriceRow>
}

/**
 * Four queries, each bound to the org.
 * @throws {Error} when there is no such org
 */
export async function loadSnapshot(orm: Orm, orgId: string): Promise<Snapshot> {
  const ownOrPlatform = (column: AnyPgColumn) => or(eq(column, orgId), isNull(column))
  const [[org], connections, targets, prices] = await Promise.all([
    orm.select({ salt: orgs.encryptionSalt }).from(orgs).where(eq(orgs.id, orgId)),
    orm.select().from(providerConnections)
      .where(and(ownOrPlatform(providerConnections.orgId), eq(providerConnections.status, 'active')))
      .orderBy(asc(isNull(providerConnections.orgId)), asc(providerConnections.createdAt), asc(providerConnections.id)),
    orm.select({ route: modelRoutes, target: modelRouteTargets }).from(modelRoutes)
      .innerJoin(modelRouteTargets, eq(modelRouteTargets.routeId, modelRoutes.id))
      .where(ownOrPlatform(modelRoutes.orgId))
      .orderBy(asc(isNull(modelRoutes.orgId)), asc(modelRouteTargets.priority), asc(modelRouteTargets.id)),
    orm.select().from(modelPrices)
      .where(and(ownOrPlatform(modelPrices.orgId), lte(modelPrices.effectiveFrom, new Date())))
      .orderBy(asc(isNull(modelPrices.orgId)), desc(modelPrices.effectiveFrom), desc(modelPrices.id))
  ])
  if (!org) throw new Error('The catalogue was asked for an organisation that does not exist')
  return { orgSalt: org.salt, connections, routes: groupRoutes(targets, connections), prices: firstByName(prices) }
}

type JoinedRow = { route: typeof modelRoutes.$inferSelect, target: typeof modelRouteTargets.$inferSelect }

function groupRoutes(rows: JoinedRow[], connections: ConnectionRow[]): Map<string, RouteRow> {
  const byId = new Map(connections.map(connection => [connection.id, connection]))
  const routes = new Map<string, RouteRow>()
  for (const { route, target } of rows) {
    const platform = route.orgId === null
    const connection = byId.get(target.connectionId)
    // Only the org's own and the platform's connections are in `byId`: a target on another org's leads nowhere.
    if (!connection || (platform && connection.orgId !== null)) continue
    const known = routes.get(route.alias)
    if (known && known.platform !== platform) continue
    const entry = known ?? { alias: route.alias, description: route.description, platform, createdAt: route.createdAt, targets: [] }
    const { upstreamModel, priority, weight, timeoutMs, retries } = target
    entry.targets.push({ connection, upstreamModel, strategy: route.strategy, priority, weight, timeoutMs, retries })
    routes.set(route.alias, entry)
  }
  return routes
}

/** What a price is looked up by: the connection that it is of, else the kind, and the model, however it is written. */
export function priceName(owner: string, model: string): string {
  return `${owner}/${model.replace(/^models\//, '').toLowerCase()}`
}

export function firstByName(rows: PriceRow[]): Map<string, PriceRow> {
  const prices = new Map<string, PriceRow>()
  for (const row of rows) {
    const name = priceName(row.connectionId ?? row.providerKind, row.model)
    if (!prices.has(name)) prices.set(name, row)
  }
  return prices
}
