import { bigint, index, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { createdAt, primaryId } from './columns'
import { orgs } from './identity'

/**
 * Who changed what. Append-only (a trigger refuses update and delete); each row's `hash` covers the row and the
 * `previousHash` of its org, so that a changed or missing row shows.
 */
export const auditLogs = pgTable('audit_logs', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  sequence: bigint('sequence', { mode: 'number' }).notNull(),
  actor: text('actor').notNull(),
  action: text('action').notNull(),
  target: text('target').notNull(),
  before: jsonb('before'),
  after: jsonb('after'),
  ip: text('ip'),
  previousHash: text('previous_hash').notNull(),
  hash: text('hash').notNull(),
  createdAt: createdAt()
}, table => [
  unique('audit_logs_org_sequence_key').on(table.orgId, table.sequence),
  index('audit_logs_org_created_idx').on(table.orgId, table.createdAt),
  index('audit_logs_org_action_idx').on(table.orgId, table.action, table.sequence),
  index('audit_logs_org_actor_idx').on(table.orgId, table.actor, table.sequence)
])

/** The end of each org's chain, so that newest entries that were taken away show too. */
export const auditHeads = pgTable('audit_heads', {
  orgId: uuid('org_id').primaryKey().references(() => orgs.id, { onDelete: 'restrict' }),
  sequence: bigint('sequence', { mode: 'number' }).notNull(),
  hash: text('hash').notNull()
})
