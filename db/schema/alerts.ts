import { sql } from 'drizzle-orm'
import { boolean, check, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { bytea, createdAt, oneOf, primaryId, timestamps, timestampTz } from './columns'
import { orgs } from './identity'
import { alertChannels, alertEventKinds, alertKinds, deliveryStatuses } from '../../shared/alerts'

/** Where alerts are sent as signed requests. The secret is sealed with the platform's key: it guards nothing of the org's that erasing the org's key should erase. */
export const alertWebhooks = pgTable('alert_webhooks', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  name: text('name').notNull(),
  url: text('url').notNull(),
  secret: bytea('secret').notNull(),
  secretIv: bytea('secret_iv').notNull(),
  encryptionKeyVersion: integer('encryption_key_version').notNull(),
  enabled: boolean('enabled').notNull().default(true),
  ...timestamps
}, table => [index('alert_webhooks_org_idx').on(table.orgId, table.id)])

/** What an org wants to be told of, and where. `config` is parsed by what its kind says in shared/alerts.ts. */
export const alertRules = pgTable('alert_rules', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  name: text('name').notNull(),
  kind: text('kind', { enum: alertKinds }).notNull(),
  config: jsonb('config').notNull(),
  webhookIds: uuid('webhook_ids').array().notNull().default([]),
  emails: text('emails').array().notNull().default([]),
  enabled: boolean('enabled').notNull().default(true),
  ...timestamps
}, table => [
  index('alert_rules_org_idx').on(table.orgId, table.id),
  index('alert_rules_enabled_idx').on(table.kind, table.orgId).where(sql`enabled`),
  oneOf('alert_rules_kind_check', table.kind, alertKinds)
])

/** What happened, once: `dedupeKey` names the occasion, so that however many replicas see it, one row is made. */
export const alertEvents = pgTable('alert_events', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  /** Null once the rule is deleted, and of a webhook's test. */
  ruleId: uuid('rule_id').references(() => alertRules.id, { onDelete: 'set null' }),
  kind: text('kind', { enum: alertEventKinds }).notNull(),
  dedupeKey: text('dedupe_key').notNull(),
  summary: text('summary').notNull(),
  details: jsonb('details').notNull().default({}),
  createdAt: createdAt()
}, table => [
  unique('alert_events_rule_key').on(table.ruleId, table.dedupeKey),
  index('alert_events_org_idx').on(table.orgId, table.id),
  oneOf('alert_events_kind_check', table.kind, alertEventKinds)
])

/** One event on its way to one recipient. While it is `pending`, `nextAttemptAt` says when it is due; an attempt moves it on before it is made, so that no two make it at once. */
export const alertDeliveries = pgTable('alert_deliveries', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  eventId: uuid('event_id').notNull().references(() => alertEvents.id, { onDelete: 'cascade' }),
  channel: text('channel', { enum: alertChannels }).notNull(),
  webhookId: uuid('webhook_id').references(() => alertWebhooks.id, { onDelete: 'set null' }),
  /** The webhook's name or the address. */
  recipient: text('recipient').notNull(),
  status: text('status', { enum: deliveryStatuses }).notNull().default('pending'),
  attempts: integer('attempts').notNull().default(0),
  nextAttemptAt: timestampTz('next_attempt_at').notNull().defaultNow(),
  /** Of the latest attempt: the receiver's HTTP status, and what went wrong. */
  responseStatus: integer('response_status'),
  error: text('error'),
  latencyMs: integer('latency_ms'),
  deliveredAt: timestampTz('delivered_at'),
  createdAt: createdAt()
}, table => [
  index('alert_deliveries_event_idx').on(table.eventId),
  index('alert_deliveries_org_idx').on(table.orgId, table.id),
  index('alert_deliveries_due_idx').on(table.nextAttemptAt).where(sql`status = 'pending'`),
  oneOf('alert_deliveries_channel_check', table.channel, alertChannels),
  oneOf('alert_deliveries_status_check', table.status, deliveryStatuses),
  check('alert_deliveries_attempts_check', sql`${table.attempts} >= 0`)
])
