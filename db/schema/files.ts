import { sql } from 'drizzle-orm'
import { boolean, index, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { count, createdAt, oneOf, primaryId, timestampTz } from './columns'
import { orgs, users } from './identity'
import { projects } from './projects'
import { fileKinds } from '../../shared/files'

/** What people gave, and pictures that models made: attached to messages, to a project, or to a message not sent yet. The bytes lie in the file store. */
export const files = pgTable('files', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  projectId: uuid('project_id').notNull().references(() => projects.id, { onDelete: 'restrict' }),
  createdBy: uuid('created_by').references(() => users.id, { onDelete: 'set null' }),
  name: text('name').notNull(),
  kind: text('kind', { enum: fileKinds }).notNull(),
  mime: text('mime').notNull(),
  sizeBytes: count('size_bytes').notNull(),
  sha256: text('sha256').notNull(),
  storageKey: text('storage_key').notNull(),
  /** How a text begins, to be searched; null for what is no text. */
  beginning: text('beginning'),
  /** Belongs to the project: all its conversations may read it. */
  inProject: boolean('in_project').notNull().default(false),
  /** When it first went out with a message, which keeps it for good. */
  sentAt: timestampTz('sent_at'),
  /** Taken away; until it is swept it can be brought back. */
  removedAt: timestampTz('removed_at'),
  createdAt: createdAt()
}, table => [
  index('files_project_idx').on(table.orgId, table.projectId, table.id).where(sql`in_project and removed_at is null`),
  // What an org has room for is counted over these alone.
  index('files_room_idx').on(table.orgId, table.sizeBytes),
  index('files_sweep_idx').on(table.createdAt).where(sql`sent_at is null`),
  index('files_words_idx').using('gin', sql`to_tsvector('simple', ${table.name} || ' ' || coalesce(${table.beginning}, ''))`).where(sql`in_project and removed_at is null`),
  oneOf('files_kind_check', table.kind, fileKinds)
])

/** Bytes in the file store whose rows are deleted, written down with that: those still to be removed. */
export const discardedBytes = pgTable('discarded_bytes', {
  storageKey: text('storage_key').primaryKey(),
  createdAt: createdAt()
})
