import { sql } from 'drizzle-orm'
import { boolean, date, index, integer, jsonb, pgTable, primaryKey, real, text, uuid } from 'drizzle-orm/pg-core'
import { bytea, count, createdAt, nanoUsd } from './columns'

/** From here on a call is slow, or dear, enough to be found by an index of such calls. */
export const SLOW_MS = 10_000
export const DEAR_NANO_USD = 100_000_000n

/**
 * The full record of one call; append-only. Partitioned by month on `createdAt` (the generated migration is
 * edited by hand for that: Drizzle has no words for partitions), so the time is part of the key.
 * Without foreign keys: a partition must be droppable whatever else exists.
 */
export const traces = pgTable('traces', {
  id: uuid('id').notNull(),
  createdAt: createdAt(),
  orgId: uuid('org_id').notNull(),
  projectId: uuid('project_id'),
  apiKeyId: uuid('api_key_id'),
  userId: uuid('user_id'),
  conversationId: uuid('conversation_id'),
  endpoint: text('endpoint').notNull(),
  /** The model as the caller named it, and as it was served. */
  requestedModel: text('requested_model').notNull(),
  model: text('model').notNull(),
  provider: text('provider').notNull(),
  statusCode: integer('status_code').notNull(),
  errorType: text('error_type'),
  isStream: boolean('is_stream').notNull(),
  cache: text('cache').notNull().default('none'),
  /** One entry an upstream attempt, in order: connection, model, status, error, latency. */
  attempts: jsonb('attempts').notNull(),
  latencyMs: integer('latency_ms').notNull(),
  ttfbMs: integer('ttfb_ms'),
  /** Time the gateway itself added, with its fraction. */
  gatewayOverheadMs: real('gateway_overhead_ms').notNull(),
  inputTokens: count('input_tokens').notNull(),
  outputTokens: count('output_tokens').notNull(),
  cachedInputTokens: count('cached_input_tokens').notNull().default(0),
  reasoningTokens: count('reasoning_tokens').notNull().default(0),
  cost: nanoUsd('cost').notNull(),
  /** Names and values that the caller knows it by. */
  tags: jsonb('tags').notNull().default({}),
  requestBody: bytea('request_body'),
  requestIv: bytea('request_iv'),
  responseBody: bytea('response_body'),
  responseIv: bytea('response_iv'),
  encryptionKeyVersion: integer('encryption_key_version'),
  /** When the call passed each step of the road, and what the rules over it decided, or in which of `ruleLists` that stands; null for calls from before it was kept. */
  steps: jsonb('steps')
}, table => [
  // The id first: a trace is found by it alone, one step a partition.
  primaryKey({ name: 'traces_pkey', columns: [table.id, table.createdAt] }),
  // Read backwards for the newest first: Drizzle's desc() would put nulls last, which no plain ORDER BY asks for.
  index('traces_org_created_idx').on(table.orgId, table.createdAt, table.id),
  index('traces_org_model_idx').on(table.orgId, table.model, table.createdAt),
  // One a filter of the trace list; partial where most calls have nothing to be found by.
  index('traces_key_idx').on(table.apiKeyId, table.createdAt).where(sql`api_key_id is not null`),
  index('traces_project_idx').on(table.projectId, table.createdAt).where(sql`project_id is not null`),
  index('traces_user_idx').on(table.orgId, table.userId, table.createdAt).where(sql`user_id is not null`),
  index('traces_conversation_idx').on(table.conversationId, table.createdAt).where(sql`conversation_id is not null`),
  index('traces_provider_idx').on(table.orgId, table.provider, table.createdAt),
  // The status last: an exact one is told apart in the index, without a look at each failed call.
  index('traces_failed_idx').on(table.orgId, table.createdAt, table.statusCode).where(sql`status_code >= 400`),
  index('traces_slow_idx').on(table.orgId, table.createdAt).where(sql.raw(`latency_ms >= ${SLOW_MS}`)),
  index('traces_dear_idx').on(table.orgId, table.createdAt).where(sql.raw(`cost >= ${DEAR_NANO_USD}`)),
  index('traces_tags_idx').using('gin', table.tags.op('jsonb_path_ops')).where(sql`tags <> '{}'::jsonb`)
])

/**
 * The rules that let calls pass, as thousands of traces have them alike; their `steps` name the list, with what each counter of it left. Of one month, so that it goes
 * with the traces of that month. Without foreign keys, as traces.
 */
export const ruleLists = pgTable('rule_lists', {
  orgId: uuid('org_id').notNull(),
  /** Derived from org, month and decisions. */
  id: uuid('id').notNull(),
  /** Its first day, of UTC. */
  month: date('month').notNull(),
  decisions: jsonb('decisions').notNull()
}, table => [primaryKey({ name: 'rule_lists_pkey', columns: [table.orgId, table.id] })])

/**
 * The ids that an org was given of what a provider keeps: at a connection that all orgs share, where only who was given one may name it, and at each of several
 * of its own that a call could go to, for whoever gave one is asked for it. Append-only, and forgotten when the provider has forgotten, too. Without foreign
 * keys, as traces: no call fails because its connection was deleted meanwhile.
 */
export const givenIds = pgTable('given_ids', {
  orgId: uuid('org_id').notNull(),
  connectionId: uuid('connection_id').notNull(),
  /** Half of its SHA-256: an id is as good as what it names, and may be of any length. */
  idHash: uuid('id_hash').notNull(),
  createdAt: createdAt()
}, table => [
  primaryKey({ name: 'given_ids_pkey', columns: [table.orgId, table.connectionId, table.idHash] }),
  index('given_ids_created_idx').on(table.createdAt)
])
