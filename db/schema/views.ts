import { pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import { primaryId, timestamps } from './columns'
import { orgs, users } from './identity'

/** A filter of the trace list that a user keeps by name. `query` is the list's own query string. */
export const savedViews = pgTable('saved_views', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'cascade' }),
  userId: uuid('user_id').notNull().references(() => users.id, { onDelete: 'cascade' }),
  name: text('name').notNull(),
  query: text('query').notNull(),
  ...timestamps
}, table => [uniqueIndex('saved_views_user_name_key').on(table.orgId, table.userId, table.name)])
