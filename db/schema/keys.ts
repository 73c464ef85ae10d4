import { boolean, check, index, integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { sql } from 'drizzle-orm'
import { oneOf, primaryId, timestamps, timestampTz } from './columns'
import { orgs, users } from './identity'
import { projects } from './projects'
import { keyStatuses } from '../../shared/keys'

/** API keys. The key itself is shown once and never stored: only its SHA-256 (hex) and first characters are. */
export const apiKeys = pgTable('api_keys', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  projectId: uuid('project_id').references(() => projects.id, { onDelete: 'restrict' }),
  name: text('name').notNull(),
  keyPrefix: text('key_prefix').notNull(),
  keyHash: text('key_hash').notNull().unique(),
  /** After a rotation, the secret before it: valid until `previousExpiresAt`. The key stays the same to limits, budgets and ledger. */
  previousKeyHash: text('previous_key_hash').unique(),
  previousExpiresAt: timestampTz('previous_expires_at'),
  previousLastUsedAt: timestampTz('previous_last_used_at'),
  rotatedAt: timestampTz('rotated_at'),
  /** The org's own: it does not end with the member who made it. */
  isService: boolean('is_service').notNull().default(false),
  scopes: text('scopes').array().notNull(),
  /** Model names the key may call; null allows every model of the org. */
  allowedModels: text('allowed_models').array(),
  limits: jsonb('limits').notNull().default({}),
  /** How long its answers are cached where a call does not say; null: not at all. */
  cacheTtlSeconds: integer('cache_ttl_seconds'),
  status: text('status', { enum: keyStatuses }).notNull().default('active'),
  /** Who saw its secret last: whoever made it, then whoever rotated it. */
  createdBy: uuid('created_by').references(() => users.id, { onDelete: 'set null' }),
  expiresAt: timestampTz('expires_at'),
  revokedAt: timestampTz('revoked_at'),
  lastUsedAt: timestampTz('last_used_at'),
  ...timestamps
}, table => [
  index('api_keys_org_idx').on(table.orgId, table.id),
  oneOf('api_keys_status_check', table.status, keyStatuses),
  check('api_keys_cache_check', sql`${table.cacheTtlSeconds} > 0`),
  check('api_keys_previous_check', sql`(${table.previousKeyHash} is null) = (${table.previousExpiresAt} is null)`)
])
