import { sql } from 'drizzle-orm'
import { index, integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { count, createdAt, oneOf, primaryId, timestamps, timestampTz } from './columns'
import { orgs } from './identity'

const workerStatuses = ['active', 'draining', 'gone'] as const
const taskStatuses = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const
const parcelStatuses = ['open', 'sealed', 'delivered'] as const

/** A process outside that pulls work over `/internal`. */
export const workers = pgTable('workers', {
  id: primaryId(),
  name: text('name').notNull().unique(),
  status: text('status', { enum: workerStatuses }).notNull().default('active'),
  capabilities: text('capabilities').array().notNull().default([]),
  lastSeenAt: timestampTz('last_seen_at').notNull().defaultNow(),
  ...timestamps
}, table => [oneOf('workers_status_check', table.status, workerStatuses)])

export const tasks = pgTable('tasks', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  kind: text('kind').notNull(),
  status: text('status', { enum: taskStatuses }).notNull().default('queued'),
  priority: integer('priority').notNull().default(0),
  payload: jsonb('payload').notNull().default({}),
  result: jsonb('result'),
  error: text('error'),
  attempts: integer('attempts').notNull().default(0),
  maxAttempts: integer('max_attempts').notNull().default(3),
  workerId: uuid('worker_id').references(() => workers.id, { onDelete: 'set null' }),
  leaseExpiresAt: timestampTz('lease_expires_at'),
  runAfter: timestampTz('run_after').notNull().defaultNow(),
  finishedAt: timestampTz('finished_at'),
  ...timestamps
}, table => [
  index('tasks_ready_idx').on(table.priority.desc(), table.runAfter, table.id).where(sql`status = 'queued'`),
  index('tasks_lease_idx').on(table.leaseExpiresAt).where(sql`status = 'running'`),
  index('tasks_org_idx').on(table.orgId, table.id),
  oneOf('tasks_status_check', table.status, taskStatuses)
])

/** A file a worker uploaded, as it came. */
export const rawFiles = pgTable('raw_files', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  taskId: uuid('task_id').references(() => tasks.id, { onDelete: 'set null' }),
  name: text('name').notNull(),
  mime: text('mime').notNull(),
  sizeBytes: count('size_bytes').notNull(),
  sha256: text('sha256').notNull(),
  storageKey: text('storage_key').notNull(),
  createdAt: createdAt()
}, table => [index('raw_files_org_idx').on(table.orgId, table.id)])

/** Several raw files handed over as one. */
export const parcels = pgTable('parcels', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  taskId: uuid('task_id').references(() => tasks.id, { onDelete: 'set null' }),
  status: text('status', { enum: parcelStatuses }).notNull().default('open'),
  manifest: jsonb('manifest').notNull().default([]),
  ...timestamps
}, table => [index('parcels_org_idx').on(table.orgId, table.id), oneOf('parcels_status_check', table.status, parcelStatuses)])
