import { z } from './zod'
import { storableText } from './json'
import { Moment } from './moment'
import { budgetPeriods, policyScopes } from './policy'

export const walletModes = ['prepaid', 'unlimited'] as const
export const transactionTypes = ['topup', 'charge', 'refund', 'adjustment'] as const
export const transactionStatuses = ['posted', 'held', 'captured', 'released', 'expired'] as const
/** Where a call's token counts come from: the provider, our own count, or our count of what an aborted call delivered. */
export const usageSources = ['provider', 'estimated', 'partial'] as const

/** An amount of money in JSON: a whole number of nano-USD (10⁻⁹ USD) as a string, since it may exceed 2⁵³. */
export const NanoUsdString = z.string().regex(/^-?\d{1,18}$/)

export const Wallet = z.object({
  mode: z.enum(walletModes),
  balanceNanoUsd: NanoUsdString,
  heldNanoUsd: NanoUsdString,
  /** Added to what calls cost, in hundredths of a percent; below zero a discount. */
  markupBasisPoints: z.int(),
  /** What an answer from the cache costs, in hundredths of a percent of what it would cost from the provider. */
  cacheHitBasisPoints: z.int()
})
export type Wallet = z.infer<typeof Wallet>

export const Transaction = z.object({
  id: z.string(),
  refId: z.string(),
  type: z.enum(transactionTypes),
  status: z.enum(transactionStatuses),
  /** What a posted row added to the balance. */
  amountNanoUsd: NanoUsdString,
  heldNanoUsd: NanoUsdString,
  capturedNanoUsd: NanoUsdString,
  balanceAfterNanoUsd: NanoUsdString.nullable(),
  /** The charge a refund gives back. */
  chargeId: z.string().nullable(),
  /** What of a charge has been given back so far. */
  refundedNanoUsd: NanoUsdString,
  apiKeyId: z.string().nullable(),
  description: z.string(),
  createdAt: z.string(),
  settledAt: z.string().nullable()
})
export type Transaction = z.infer<typeof Transaction>

export const TransactionPage = z.object({ items: z.array(Transaction), nextCursor: z.string().nullable() })
export type TransactionPage = z.infer<typeof TransactionPage>

/** `GET /api/transactions`; `from` (included) and `to` (not) are of when a transaction was made. */
export const TransactionQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** The last id of the page before. */
  cursor: z.uuid().optional(),
  type: z.enum(transactionTypes).optional(),
  status: z.enum(transactionStatuses).optional(),
  apiKeyId: z.uuid().optional(),
  refId: z.string().min(1).max(200).optional(),
  from: Moment.optional(),
  to: Moment.optional()
})
export type TransactionQuery = z.infer<typeof TransactionQuery>

/** The same filters as `/v1` spells them. */
export const WireTransactionQuery = z.strictObject({ ...TransactionQuery.omit({ apiKeyId: true, refId: true }).shape, api_key_id: TransactionQuery.shape.apiKeyId, ref_id: TransactionQuery.shape.refId })
  .transform(({ api_key_id, ref_id, ...query }): TransactionQuery => ({ ...query, apiKeyId: api_key_id, refId: ref_id }))

/** Repeating a ref posts nothing. `loom:` is for Loom's own. */
const RefId = storableText(200).min(1).refine(ref => !ref.startsWith('loom:'), 'must not begin with "loom:"')
const Description = storableText(500).trim().default('')

/** `POST /api/platform/orgs/{id}/funds`: a top-up or an adjustment of an org's wallet by a platform admin. */
export const PostFunds = z.strictObject({
  /** Decimal in USD with at most nine places; below zero it takes away. */
  amountUsd: z.string().regex(/^-?\d{1,9}(\.\d{1,9})?$/, 'must be an amount in USD'),
  /** Left out: a top-up, or an adjustment where the amount is below zero. */
  type: z.enum(['topup', 'adjustment']).optional(),
  refId: RefId,
  description: Description
}).refine(({ type, amountUsd }) => type !== 'topup' || !amountUsd.startsWith('-'), { path: ['amountUsd'], message: 'a top-up adds money; take it away with an adjustment' })
export type PostFunds = z.infer<typeof PostFunds>

/** `POST /api/platform/orgs/{id}/refunds`: gives a captured charge back, whole or in part. */
export const RefundCharge = z.strictObject({
  /** The transaction; of a call's charge, the request id. */
  chargeId: z.uuid(),
  /** Decimal in USD with at most nine places; left out: all that was not given back yet. */
  amountUsd: z.string().regex(/^\d{1,9}(\.\d{1,9})?$/, 'must be an amount in USD').optional(),
  refId: RefId,
  description: Description
})
export type RefundCharge = z.infer<typeof RefundCharge>

/** The answer to a refund. */
export const Refunded = z.object({ refundId: z.string(), amountNanoUsd: NanoUsdString, wallet: Wallet })
export type Refunded = z.infer<typeof Refunded>

/** `PATCH /api/platform/orgs/{id}/wallet`: what is left out stays. */
export const WalletSettings = z.strictObject({
  mode: z.enum(walletModes).optional(),
  /** From −100 % (calls are free) to ten times as much again. */
  markupBasisPoints: z.int().min(-10_000).max(100_000).optional(),
  /** 0: answers from the cache are free. */
  cacheHitBasisPoints: z.int().min(0).max(10_000).optional()
})
export type WalletSettings = z.infer<typeof WalletSettings>

/** What moved in one group of a statement. A balance changes by what was topped up, refunded and adjusted, less what was charged. */
export const StatementLine = z.object({
  /** Charged calls. */
  calls: z.number(),
  inputTokens: z.number(),
  outputTokens: z.number(),
  chargedNanoUsd: NanoUsdString,
  toppedUpNanoUsd: NanoUsdString,
  refundedNanoUsd: NanoUsdString,
  adjustedNanoUsd: NanoUsdString
})
export type StatementLine = z.infer<typeof StatementLine>

/**
 * An org's calendar month in its time zone. Each list of lines adds up to the totals, exactly, and the totals lead from the
 * opening to the closing balance. What was posted by hand has no model, key or project: null.
 */
export const Statement = z.object({
  /** `2026-11` */
  month: z.string(),
  timeZone: z.string(),
  from: z.string(),
  to: z.string(),
  /** The month has been over for a day and none of its calls is under way: this statement will not change. */
  final: z.boolean(),
  openingBalanceNanoUsd: NanoUsdString,
  closingBalanceNanoUsd: NanoUsdString,
  totals: StatementLine,
  byDay: z.array(StatementLine.extend({ day: z.string() })),
  byModel: z.array(StatementLine.extend({ provider: z.string().nullable(), model: z.string().nullable() })),
  byKey: z.array(StatementLine.extend({ apiKeyId: z.string().nullable(), name: z.string().nullable() })),
  byProject: z.array(StatementLine.extend({ projectId: z.string().nullable(), name: z.string().nullable() }))
})
export type Statement = z.infer<typeof Statement>

/** A month in a path: `2026-11`. */
export const StatementMonth = z.string().regex(/^20\d\d-(0[1-9]|1[0-2])$/, 'must be a month such as 2026-11')
export const StatementQuery = z.object({ format: z.enum(['json', 'csv']).default('json') })
/** The same on `/v1`, which refuses what it does not know. */
export const WireStatementQuery = z.strictObject(StatementQuery.shape)

/** A budget and what of its running period is used. */
export const BudgetUse = z.object({
  scope: z.enum(policyScopes),
  /** Of the key, project or org. */
  subjectId: z.string(),
  /** Its name. */
  subject: z.string(),
  period: z.enum(budgetPeriods),
  limitNanoUsd: NanoUsdString,
  spentNanoUsd: NanoUsdString,
  /** For calls under way; given back as far as they cost less. */
  heldNanoUsd: NanoUsdString,
  /** Null: counted from the beginning. */
  startsAt: z.iso.datetime().nullable(),
  /** Null: it never resets. */
  resetsAt: z.iso.datetime().nullable()
})
export type BudgetUse = z.infer<typeof BudgetUse>

/** `GET /api/budgets`: those of the org, of its projects that are open to whoever asks, and of its active keys. */
export const BudgetList = z.object({ budgets: z.array(BudgetUse) })
export type BudgetList = z.infer<typeof BudgetList>
