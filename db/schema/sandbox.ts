import { index, integer, pgTable, real, text, unique, uuid } from 'drizzle-orm/pg-core'
import { createdAt, oneOf, primaryId, timestamps, timestampTz } from './columns'
import { conversations } from './chat'
import { orgs, users } from './identity'

const sessionStatuses = ['pending', 'active', 'stopped', 'expired', 'error'] as const
const containerStatuses = ['creating', 'running', 'stopped', 'error'] as const

/** An isolated workspace, one a conversation. */
export const sandboxSessions = pgTable('sandbox_sessions', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  conversationId: uuid('conversation_id').notNull().unique().references(() => conversations.id, { onDelete: 'cascade' }),
  userId: uuid('user_id').references(() => users.id, { onDelete: 'set null' }),
  status: text('status', { enum: sessionStatuses }).notNull().default('pending'),
  expiresAt: timestampTz('expires_at'),
  lastActivityAt: timestampTz('last_activity_at').notNull().defaultNow(),
  ...timestamps
}, table => [index('sandbox_sessions_org_idx').on(table.orgId), oneOf('sandbox_sessions_status_check', table.status, sessionStatuses)])

export const containers = pgTable('containers', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  sessionId: uuid('session_id').notNull().unique().references(() => sandboxSessions.id, { onDelete: 'cascade' }),
  containerName: text('container_name').notNull().unique(),
  image: text('image').notNull(),
  status: text('status', { enum: containerStatuses }).notNull().default('creating'),
  cpuLimit: real('cpu_limit').notNull(),
  memoryLimitMb: integer('memory_limit_mb').notNull(),
  startedAt: timestampTz('started_at'),
  stoppedAt: timestampTz('stopped_at'),
  ...timestamps
}, table => [oneOf('containers_status_check', table.status, containerStatuses)])

/** A commit of the workspace after each assistant message. */
export const gitCheckpoints = pgTable('git_checkpoints', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  sessionId: uuid('session_id').notNull().references(() => sandboxSessions.id, { onDelete: 'cascade' }),
  commitHash: text('commit_hash').notNull(),
  messageNumber: integer('message_number').notNull(),
  description: text('description').notNull().default(''),
  filesChanged: integer('files_changed').notNull().default(0),
  createdAt: createdAt()
}, table => [unique('git_checkpoints_session_commit_key').on(table.sessionId, table.commitHash)])
