import { sql } from 'drizzle-orm'
import { check, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { bytea, nanoUsd, oneOf, primaryId, timestamps, timestampTz } from './columns'
import { orgs } from './identity'
import { connectionStatuses, providerKinds } from '../../shared/catalog'
import { routeStrategies } from '../../shared/model-routes'

/** A credentialed way to reach a provider. `orgId` null: platform-wide, usable by every org. */
export const providerConnections = pgTable('provider_connections', {
  id: primaryId(),
  orgId: uuid('org_id').references(() => orgs.id, { onDelete: 'restrict' }),
  kind: text('kind', { enum: providerKinds }).notNull(),
  name: text('name').notNull(),
  baseUrl: text('base_url'),
  secret: bytea('secret'),
  secretIv: bytea('secret_iv'),
  encryptionKeyVersion: integer('encryption_key_version'),
  /** What only this kind needs (Azure's api-version and deployments, the models a plain endpoint serves). Parsed by the kind's own contract. */
  config: jsonb('config').notNull().default({}),
  status: text('status', { enum: connectionStatuses }).notNull().default('active'),
  ...timestamps
}, table => [
  unique('provider_connections_org_name_key').on(table.orgId, table.name).nullsNotDistinct(),
  oneOf('provider_connections_kind_check', table.kind, providerKinds),
  oneOf('provider_connections_status_check', table.status, connectionStatuses)
])

/** What callers name in `model`. `orgId` null: offered to every org; an org's own route of the same alias wins. */
export const modelRoutes = pgTable('model_routes', {
  id: primaryId(),
  orgId: uuid('org_id').references(() => orgs.id, { onDelete: 'restrict' }),
  alias: text('alias').notNull(),
  description: text('description').notNull().default(''),
  strategy: text('strategy', { enum: routeStrategies }).notNull().default('weighted'),
  ...timestamps
}, table => [
  unique('model_routes_org_alias_key').on(table.orgId, table.alias).nullsNotDistinct(),
  oneOf('model_routes_strategy_check', table.strategy, routeStrategies)
])

/** Where a route leads: tried by ascending `priority`; the route's strategy chooses among equals. */
export const modelRouteTargets = pgTable('model_route_targets', {
  id: primaryId(),
  orgId: uuid('org_id').references(() => orgs.id, { onDelete: 'restrict' }),
  routeId: uuid('route_id').notNull().references(() => modelRoutes.id, { onDelete: 'cascade' }),
  connectionId: uuid('connection_id').notNull().references(() => providerConnections.id, { onDelete: 'cascade' }),
  upstreamModel: text('upstream_model').notNull(),
  priority: integer('priority').notNull().default(0),
  weight: integer('weight').notNull().default(1),
  timeoutMs: integer('timeout_ms'),
  retries: integer('retries'),
  ...timestamps
}, table => [
  index('model_route_targets_route_idx').on(table.routeId, table.priority),
  index('model_route_targets_connection_idx').on(table.connectionId),
  check('model_route_targets_weight_check', sql`${table.weight} > 0`)
])

/**
 * Price overrides, nano-USD per million tokens, and of other units beside them. The newest row whose `effectiveFrom` has passed wins over the packaged catalogue; an org's own wins over the platform's,
 * and one of a connection over one of its kind.
 */
export const modelPrices = pgTable('model_prices', {
  id: primaryId(),
  orgId: uuid('org_id').references(() => orgs.id, { onDelete: 'restrict' }),
  providerKind: text('provider_kind', { enum: providerKinds }).notNull(),
  /** null: over every connection of the kind. Else the platform's, or that org's own. */
  connectionId: uuid('connection_id').references(() => providerConnections.id, { onDelete: 'cascade' }),
  model: text('model').notNull(),
  inputPrice: nanoUsd('input_price').notNull(),
  outputPrice: nanoUsd('output_price').notNull(),
  cachedInputPrice: nanoUsd('cached_input_price'),
  cacheWritePrice: nanoUsd('cache_write_price'),
  longCacheWritePrice: nanoUsd('long_cache_write_price'),
  audioInputPrice: nanoUsd('audio_input_price'),
  cachedAudioInputPrice: nanoUsd('cached_audio_input_price'),
  audioOutputPrice: nanoUsd('audio_output_price'),
  audioHourPrice: nanoUsd('audio_hour_price'),
  millionCharactersPrice: nanoUsd('million_characters_price'),
  thousandSearchesPrice: nanoUsd('thousand_searches_price'),
  /** Nano-USD as decimal strings, by `<quality>/<size>`. */
  picturePrices: jsonb('picture_prices').$type<Record<string, string>>(),
  effectiveFrom: timestampTz('effective_from').notNull().defaultNow(),
  ...timestamps
}, table => [
  index('model_prices_lookup_idx').on(table.providerKind, table.model, table.effectiveFrom),
  index('model_prices_connection_idx').on(table.connectionId),
  oneOf('model_prices_kind_check', table.providerKind, providerKinds),
  check('model_prices_positive_check', sql`${table.inputPrice} >= 0 and ${table.outputPrice} >= 0 and coalesce(${table.cachedInputPrice}, 0) >= 0 and coalesce(${table.cacheWritePrice}, 0) >= 0 and coalesce(${table.longCacheWritePrice}, 0) >= 0`),
  check('model_prices_positive_sound_check', sql`coalesce(${table.audioInputPrice}, 0) >= 0 and coalesce(${table.cachedAudioInputPrice}, 0) >= 0 and coalesce(${table.audioOutputPrice}, 0) >= 0`),
  check('model_prices_positive_units_check', sql`coalesce(${table.audioHourPrice}, 0) >= 0 and coalesce(${table.millionCharactersPrice}, 0) >= 0 and coalesce(${table.thousandSearchesPrice}, 0) >= 0`)
])
