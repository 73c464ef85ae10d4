import { sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import { boolean, check, index, integer, jsonb, numeric, pgTable, primaryKey, real, smallint, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import { bytea, count, createdAt, nanoUsd, oneOf, primaryId, timestamps, timestampTz } from './columns'
import { orgs, users } from './identity'
import { apiKeys } from './keys'
import { projects } from './projects'
import { transactionStatuses, transactionTypes, usageSources, walletModes } from '../../shared/billing'
import { budgetPeriods, policyScopes } from '../../shared/policy'

/**
 * An org's balance. Prepaid: `0 <= held <= balance`, always. Unlimited: the same ledger, but the
 * balance may go below zero, so that one invariant (balance = Σ posted − Σ captured) holds for both.
 */
export const wallets = pgTable('wallets', {
  orgId: uuid('org_id').primaryKey().references(() => orgs.id, { onDelete: 'restrict' }),
  mode: text('mode', { enum: walletModes }).notNull().default('prepaid'),
  balance: nanoUsd('balance').notNull().default(sql`0`),
  held: nanoUsd('held').notNull().default(sql`0`),
  /** Added to what calls cost, in hundredths of a percent; below zero a discount. */
  markupBasisPoints: integer('markup_basis_points').notNull().default(0),
  /** What an answer from the cache costs, in hundredths of a percent of what it would cost from the provider. */
  cacheHitBasisPoints: integer('cache_hit_basis_points').notNull().default(0),
  ...timestamps
}, table => [
  check('wallets_cache_hit_check', sql`${table.cacheHitBasisPoints} between 0 and 10000`),
  oneOf('wallets_mode_check', table.mode, walletModes),
  check('wallets_markup_check', sql`${table.markupBasisPoints} between -10000 and 100000`),
  check('wallets_funds_check', sql`${table.held} >= 0 and (${table.mode} = 'unlimited' or ${table.held} <= ${table.balance})`)
])

/**
 * The ledger: one row per billed thing. `amount` is what a posted row adds to the balance; `held` what a
 * charge reserved, `captured` what it cost in the end. A trigger allows only held → captured | released | expired.
 */
export const transactions = pgTable('transactions', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  refId: text('ref_id').notNull(),
  type: text('type', { enum: transactionTypes }).notNull(),
  status: text('status', { enum: transactionStatuses }).notNull(),
  amount: nanoUsd('amount').notNull().default(sql`0`),
  held: nanoUsd('held').notNull().default(sql`0`),
  captured: nanoUsd('captured').notNull().default(sql`0`),
  balanceAfter: nanoUsd('balance_after'),
  /** The charge a refund gives back. */
  chargeId: uuid('charge_id').references((): AnyPgColumn => transactions.id, { onDelete: 'restrict' }),
  apiKeyId: uuid('api_key_id').references(() => apiKeys.id, { onDelete: 'restrict' }),
  /** The windows of budgets it counts in: held there while it is held, spent there once captured. */
  budgetWindows: uuid('budget_windows').array(),
  /** The process that holds it. */
  replica: uuid('replica'),
  /** Who posted it: a user id, or `system`. */
  actor: text('actor'),
  description: text('description').notNull().default(''),
  createdAt: createdAt(),
  settledAt: timestampTz('settled_at')
}, table => [
  // A call that failed (released, expired) does not burn its ref: the same ref may be tried again, and still charges once.
  uniqueIndex('transactions_org_ref_key').on(table.orgId, table.refId).where(sql`status in ('posted', 'held', 'captured')`),
  index('transactions_org_idx').on(table.orgId, table.id),
  index('transactions_held_idx').on(table.replica).where(sql`status = 'held'`),
  index('transactions_charge_idx').on(table.chargeId).where(sql`charge_id is not null`),
  oneOf('transactions_type_check', table.type, transactionTypes),
  oneOf('transactions_status_check', table.status, transactionStatuses),
  check('transactions_amounts_check', sql`${table.held} >= 0 and ${table.captured} >= 0 and (${table.status} = 'captured' or ${table.captured} = 0) and (${table.status} = 'posted' or ${table.amount} = 0)`),
  check('transactions_refund_check', sql`(${table.type} = 'refund') = (${table.chargeId} is not null) and (${table.type} <> 'refund' or ${table.amount} > 0)`)
])

/**
 * What calls cost in one window of a budget: a key's, project's or org's day, week, month or all time (the platform's: `orgId` null).
 * `spent` is the sum of what its captured charges cost, `held` of what its held ones may cost; what is drawn on a lease stands in `held` until that one goes
 * (docs/decisions/2026-11-30-windows-are-written-when-leases-go.md), so that what is used is always their sum. `purged` is what of `spent` the charges of orgs
 * that were purged made out: no purge gives the platform's budget back.
 */
export const budgetWindows = pgTable('budget_windows', {
  /** Derived from the four that name a window, so that every replica knows it unasked. */
  id: uuid('id').primaryKey(),
  orgId: uuid('org_id').references(() => orgs.id, { onDelete: 'restrict' }),
  scope: text('scope', { enum: policyScopes }).notNull(),
  subjectId: uuid('subject_id').notNull(),
  period: text('period', { enum: budgetPeriods }).notNull(),
  startsAt: timestampTz('starts_at').notNull(),
  spent: nanoUsd('spent').notNull().default(sql`0`),
  held: nanoUsd('held').notNull().default(sql`0`),
  purged: nanoUsd('purged').notNull().default(sql`0`),
  createdAt: createdAt()
}, table => [
  index('budget_windows_org_idx').on(table.orgId, table.subjectId),
  oneOf('budget_windows_scope_check', table.scope, policyScopes),
  oneOf('budget_windows_period_check', table.period, budgetPeriods),
  check('budget_windows_sums_check', sql`${table.spent} >= 0 and ${table.held} >= 0`)
])

/**
 * Money a process has set aside for calls to come, so that a busy org's calls need no hold of their own. Part of the wallet's
 * `held`, and of that of each window of a budget its calls count in. What is captured moves from `amount` to `drawn`, and from held to spent in the windows
 * when the row goes: when the process closes it, or a sweeper does for a dead one.
 */
export const walletLeases = pgTable('wallet_leases', {
  id: primaryId(),
  orgId: uuid('org_id').notNull().references(() => wallets.orgId, { onDelete: 'restrict' }),
  replica: uuid('replica').notNull(),
  amount: nanoUsd('amount').notNull(),
  /** What its calls have cost so far: spent, though the windows of budgets still count it as held. */
  drawn: nanoUsd('drawn').notNull().default(sql`0`),
  /** The windows of budgets that the calls drawing on it count in, as a transaction's. */
  budgetWindows: uuid('budget_windows').array(),
  createdAt: createdAt()
}, table => [index('wallet_leases_org_idx').on(table.orgId), check('wallet_leases_amount_check', sql`${table.amount} >= 0 and ${table.drawn} >= 0`)])

/** The ledger line of one call: what it used, what it cost, who asked. Its id is the request id. */
export const usageRecords = pgTable('usage_records', {
  id: uuid('id').primaryKey(),
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  projectId: uuid('project_id').references(() => projects.id, { onDelete: 'restrict' }),
  apiKeyId: uuid('api_key_id').references(() => apiKeys.id, { onDelete: 'restrict' }),
  userId: uuid('user_id').references(() => users.id, { onDelete: 'restrict' }),
  /** Kept as plain values: a deleted conversation must not take its ledger lines with it, nor be kept alive by them. */
  conversationId: uuid('conversation_id'),
  messageId: uuid('message_id'),
  endpoint: text('endpoint').notNull(),
  provider: text('provider').notNull(),
  model: text('model').notNull(),
  inputTokens: count('input_tokens').notNull(),
  outputTokens: count('output_tokens').notNull(),
  cachedInputTokens: count('cached_input_tokens').notNull().default(0),
  reasoningTokens: count('reasoning_tokens').notNull().default(0),
  usageSource: text('usage_source', { enum: usageSources }).notNull(),
  rawUsage: jsonb('raw_usage'),
  /** The price the cost was computed from, as it was: its source (`override:<row id>` or `catalog:<version>`) and its figures in nano-USD per million tokens. */
  price: jsonb('price').notNull(),
  cost: nanoUsd('cost').notNull(),
  createdAt: createdAt()
}, table => [
  index('usage_records_org_created_idx').on(table.orgId, table.createdAt),
  oneOf('usage_records_source_check', table.usageSource, usageSources)
])

/** What is counted of calls; every measure merges by addition. */
const usageMeasures = {
  requests: count('requests').notNull(),
  /** Those with a usage record. */
  charges: count('charges').notNull(),
  cacheHits: count('cache_hits').notNull(),
  inputTokens: count('input_tokens').notNull(),
  outputTokens: count('output_tokens').notNull(),
  cachedInputTokens: count('cached_input_tokens').notNull(),
  reasoningTokens: count('reasoning_tokens').notNull(),
  cost: nanoUsd('cost').notNull(),
  latencyMs: count('latency_ms').notNull(),
  ttfbMs: count('ttfb_ms').notNull(),
  overheadUs: count('overhead_us').notNull(),
  /** Counts per logarithmic bucket in one number (`server/analytics/latency-histogram.ts`). */
  latencyHistogram: numeric('latency_histogram').notNull(),
  ttfbHistogram: numeric('ttfb_histogram').notNull(),
  overheadHistogram: numeric('overhead_histogram').notNull()
}

/**
 * Calls that are not part of their hours yet: written in the transaction that captures them, counted by whoever reads hours, and moved into these a few
 * seconds later (`server/analytics/merge-usage.ts`). Only ever appended to, on the hot path: so without keys, indexes and references.
 */
export const usagePending = pgTable('usage_pending', {
  orgId: uuid('org_id').notNull(),
  createdAt: timestampTz('created_at').notNull(),
  projectId: uuid('project_id'),
  apiKeyId: uuid('api_key_id'),
  userId: uuid('user_id'),
  inputTokens: count('input_tokens').notNull(),
  outputTokens: count('output_tokens').notNull(),
  cachedInputTokens: count('cached_input_tokens').notNull(),
  reasoningTokens: count('reasoning_tokens').notNull(),
  cost: nanoUsd('cost').notNull(),
  latencyMs: integer('latency_ms').notNull(),
  ttfbMs: integer('ttfb_ms'),
  gatewayOverheadMs: real('gateway_overhead_ms').notNull(),
  statusCode: integer('status_code').notNull(),
  /** Whether it has a usage record. */
  charged: boolean('charged').notNull(),
  provider: text('provider').notNull(),
  model: text('model').notNull(),
  cache: text('cache').notNull()
})

/**
 * Hourly totals of an org's calls, charged or not, so that a dashboard never scans traces: with `usagePending`, all of them. Rows of one key but
 * different slots belong together: versions that did not know `usagePending` wrote into one of eight.
 */
export const usageHourly = pgTable('usage_hourly', {
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  hour: timestampTz('hour').notNull(),
  /** Null-free so that they can be part of the key: the nil UUID stands for "none". */
  projectId: uuid('project_id').notNull(),
  apiKeyId: uuid('api_key_id').notNull(),
  userId: uuid('user_id').notNull(),
  provider: text('provider').notNull(),
  /** Empty for what reached no provider. */
  model: text('model').notNull(),
  statusCode: integer('status_code').notNull(),
  slot: smallint('slot').notNull(),
  ...usageMeasures
}, table => [
  primaryKey({ name: 'usage_hourly_pkey', columns: [table.orgId, table.hour, table.projectId, table.apiKeyId, table.userId, table.provider, table.model, table.statusCode, table.slot] })
])

/** What each hour of an org adds up to in all: what is asked of it whole is a row an hour, however many keys, users and models it has. */
export const usageHourlyTotals = pgTable('usage_hourly_totals', {
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  hour: timestampTz('hour').notNull(),
  slot: smallint('slot').notNull(),
  /** Of the requests. */
  failed: count('failed').notNull(),
  ...usageMeasures
}, table => [primaryKey({ name: 'usage_hourly_totals_pkey', columns: [table.orgId, table.hour, table.slot] })])

/**
 * Who answers a repeated `Idempotency-Key`: claimed by the call of `requestId` until `head` is there, which the call's capture
 * writes. A claim of a process that is gone, or of a call that charged nothing, is free again.
 */
export const idempotencyKeys = pgTable('idempotency_keys', {
  orgId: uuid('org_id').notNull().references(() => orgs.id, { onDelete: 'restrict' }),
  apiKeyId: uuid('api_key_id').notNull().references(() => apiKeys.id, { onDelete: 'restrict' }),
  key: text('key').notNull(),
  /** SHA-256 (hex) of all that makes the request this request. */
  requestHash: text('request_hash').notNull(),
  requestId: uuid('request_id').notNull(),
  /** The process that runs the call. */
  replica: uuid('replica').notNull(),
  /** What the answer was, but for its bytes: parsed where it is read. */
  head: jsonb('head'),
  /** The answer's bytes, compressed and sealed; null where they were too many to keep. */
  answer: bytea('answer'),
  answerIv: bytea('answer_iv'),
  encryptionKeyVersion: integer('encryption_key_version'),
  createdAt: createdAt(),
  expiresAt: timestampTz('expires_at').notNull()
}, table => [
  primaryKey({ name: 'idempotency_keys_pkey', columns: [table.orgId, table.apiKeyId, table.key] }),
  uniqueIndex('idempotency_keys_request_key').on(table.requestId),
  index('idempotency_keys_expires_idx').on(table.expiresAt),
  index('idempotency_keys_claimed_idx').on(table.replica).where(sql`head is null`)
])
