import { jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { createdAt, timestamps, timestampTz } from './columns'

/** Settings of the whole installation, one row a setting; parsed by zod where they are read. */
export const platformSettings = pgTable('platform_settings', {
  name: text('name').primaryKey(),
  value: jsonb('value').notNull(),
  ...timestamps
})

/** Running processes. A replica whose heartbeat stopped is gone, and its holds are settled by any other. */
export const replicas = pgTable('replicas', {
  id: uuid('id').primaryKey(),
  hostname: text('hostname').notNull(),
  version: text('version').notNull(),
  startedAt: createdAt(),
  heartbeatAt: timestampTz('heartbeat_at').notNull().defaultNow()
})
