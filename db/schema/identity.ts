import { boolean, index, integer, jsonb, pgTable, text, unique, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import { sql } from 'drizzle-orm'
import { bytea, createdAt, oneOf, primaryId, timestamps, timestampTz } from './columns'
import { orgStatuses, userRoles } from '../../shared/identity'
import { memberRoles } from '../../shared/roles'

export const users = pgTable('users', {
  id: primaryId(),
  name: text('name').notNull(),
  email: text('email').notNull().unique(),
  emailVerified: boolean('email_verified').notNull().default(false),
  image: text('image'),
  role: text('role', { enum: userRoles }).notNull().default('user'),
  lastLoginAt: timestampTz('last_login_at'),
  /** Whether a code from an authenticator is asked for after the password. */
  twoFactorEnabled: boolean('two_factor_enabled').notNull().default(false),
  /** Since when a platform admin lets the user in no more. */
  deactivatedAt: timestampTz('deactivated_at'),
  ...timestamps
}, table => [oneOf('users_role_check', table.role, userRoles)])

export const authSessions = pgTable('auth_sessions', {
  id: primaryId(),
  userId: uuid('user_id').notNull().references(() => users.id, { onDelete: 'cascade' }),
  token: text('token').notNull().unique(),
  activeOrgId: uuid('active_org_id'),
  ipAddress: text('ip_address'),
  userAgent: text('user_agent'),
  expiresAt: timestampTz('expires_at').notNull(),
  ...timestamps
}, table => [index('auth_sessions_user_idx').on(table.userId)])

/** How a user proves who they are: one row a provider; `password` holds the hash of the `credential` provider. */
export const accounts = pgTable('accounts', {
  id: primaryId(),
  userId: uuid('user_id').notNull().references(() => users.id, { onDelete: 'cascade' }),
  accountId: text('account_id').notNull(),
  providerId: text('provider_id').notNull(),
  accessToken: text('access_token'),
  refreshToken: text('refresh_token'),
  idToken: text('id_token'),
  accessTokenExpiresAt: timestampTz('access_token_expires_at'),
  refreshTokenExpiresAt: timestampTz('refresh_token_expires_at'),
  scope: text('scope'),
  password: text('password'),
  ...timestamps
}, table => [unique('accounts_provider_account_key').on(table.providerId, table.accountId), index('accounts_user_idx').on(table.userId)])

/** One-time values of the sign-in library (e-mail verification, password reset). */
export const authVerifications = pgTable('auth_verifications', {
  id: primaryId(),
  identifier: text('identifier').notNull(),
  value: text('value').notNull(),
  expiresAt: timestampTz('expires_at').notNull(),
  ...timestamps
}, table => [index('auth_verifications_identifier_idx').on(table.identifier)])

/** What a user's authenticator shares with Loom. Secret and backup codes are encrypted by the sign-in library, with AUTH_SECRET. */
export const twoFactors = pgTable('two_factors', {
  id: primaryId(),
  userId: uuid('user_id').notNull().unique().references(() => users.id, { onDelete: 'cascade' }),
  secret: text('secret').notNull(),
  backupCodes: text('backup_codes').notNull(),
  /** Whether a first code has proved that the authenticator has the secret. */
  verified: boolean('verified').notNull().default(true),
  failedVerificationCount: integer('failed_verification_count').notNull().default(0),
  lockedUntil: timestampTz('locked_until')
})

/** How often something was tried in a window of time, over all replicas: sign-ins, sign-ups, codes. Rows past their end are worth nothing. */
export const attemptCounts = pgTable('attempt_counts', {
  name: text('name').primaryKey(),
  count: integer('count').notNull(),
  endsAt: timestampTz('ends_at').notNull()
}, table => [index('attempt_counts_ends_idx').on(table.endsAt)])

export const orgs = pgTable('orgs', {
  id: primaryId(),
  name: text('name').notNull(),
  slug: text('slug').notNull().unique(),
  status: text('status', { enum: orgStatuses }).notNull().default('active'),
  settings: jsonb('settings').notNull().default({}),
  /** Rules of all its calls, as `Policy` in shared/policy.ts. */
  policy: jsonb('policy').notNull().default({}),
  /** Salt of the org's encryption key. Without it the org's bodies and secrets cannot be read: deleting it erases them at once. */
  encryptionSalt: bytea('encryption_salt').notNull(),
  /** Counts the org's data keys: what was sealed under a lower number cannot be opened any more. */
  encryptionKeyVersion: integer('encryption_key_version').notNull().default(1),
  deletedAt: timestampTz('deleted_at'),
  ...timestamps
}, table => [oneOf('orgs_status_check', table.status, orgStatuses)])

export const orgMembers = pgTable('org_members', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  userId: uuid('user_id').notNull().references(() => users.id, { onDelete: 'cascade' }),
  role: text('role', { enum: memberRoles }).notNull(),
  ...timestamps
}, table => [
  unique('org_members_org_user_key').on(table.orgId, table.userId),
  index('org_members_user_idx').on(table.userId),
  oneOf('org_members_role_check', table.role, memberRoles)
])

/** An open invitation. Only the SHA-256 of its token is stored. */
export const orgInvitations = pgTable('org_invitations', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  email: text('email').notNull(),
  role: text('role', { enum: memberRoles }).notNull(),
  tokenHash: text('token_hash').notNull().unique(),
  invitedBy: uuid('invited_by').notNull().references(() => users.id, { onDelete: 'restrict' }),
  expiresAt: timestampTz('expires_at').notNull(),
  acceptedAt: timestampTz('accepted_at'),
  createdAt: createdAt()
}, table => [
  uniqueIndex('org_invitations_open_key').on(table.orgId, table.email).where(sql`accepted_at is null`),
  oneOf('org_invitations_role_check', table.role, memberRoles)
])
