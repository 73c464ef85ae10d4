import { index, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { oneOf, primaryId, timestamps, timestampTz } from './columns'
import { orgs, users } from './identity'
import { projectAccesses, projectRoles } from '../../shared/projects'

export const projects = pgTable('projects', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  name: text('name').notNull(),
  description: text('description').notNull().default(''),
  instructions: text('instructions').notNull().default(''),
  defaultModel: text('default_model'),
  /** Of its conversations, where they set none, as `ModelParameters` in shared/model-parameters.ts. */
  parameters: jsonb('parameters').notNull().default({}),
  access: text('access', { enum: projectAccesses }).notNull().default('org'),
  /** Rules of all its calls, as `Policy` in shared/policy.ts. */
  policy: jsonb('policy').notNull().default({}),
  createdBy: uuid('created_by').references(() => users.id, { onDelete: 'set null' }),
  archivedAt: timestampTz('archived_at'),
  deletedAt: timestampTz('deleted_at'),
  ...timestamps
}, table => [
  index('projects_org_idx').on(table.orgId, table.id),
  oneOf('projects_access_check', table.access, projectAccesses)
])

/** Who may open a project that is not open to the whole org. */
export const projectMembers = pgTable('project_members', {
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  projectId: uuid('project_id').notNull().references(() => projects.id, { onDelete: 'cascade' }),
  userId: uuid('user_id').notNull().references(() => users.id, { onDelete: 'cascade' }),
  role: text('role', { enum: projectRoles }).notNull(),
  ...timestamps
}, table => [
  primaryKey({ columns: [table.projectId, table.userId] }),
  index('project_members_user_idx').on(table.userId),
  oneOf('project_members_role_check', table.role, projectRoles)
])
