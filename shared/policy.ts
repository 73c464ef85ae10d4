import { z } from './zod'
import { storableText } from './json'

/** Where rules are set. All apply to a call at once, so the strictest wins. */
export const policyScopes = ['key', 'project', 'org', 'platform'] as const
export type PolicyScope = (typeof policyScopes)[number]

/** Kinds of model calls; the key scope `inference` covers them all. `chat` is every endpoint that writes text. */
export const callScopes = ['chat', 'embeddings', 'images', 'audio', 'moderations', 'rerank'] as const
export const CallScope = z.enum(callScopes)
export type CallScope = z.infer<typeof CallScope>

export const budgetPeriods = ['day', 'week', 'month', 'total'] as const
export type BudgetPeriod = (typeof budgetPeriods)[number]

/** A model's name in requests; `*` stands for any text. */
export const ModelPattern = storableText(200).trim().min(1)
const ModelPatterns = z.array(ModelPattern).min(1).max(200)

const IpRange = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], { error: 'not an IP address or CIDR range' })

/** Decimal in USD with at most nine places, zero or more. */
const BudgetUsd = z.string().regex(/^\d{1,9}(\.\d{1,9})?$/, 'must be an amount in USD, such as "25" or "0.5"')

const count = z.int().positive().max(Number.MAX_SAFE_INTEGER)

/** Rules that every level has; absent means unlimited. Counts and budgets are of all calls of the level together. */
const commonRules = {
  /** Models that may not be called, by any name that leads to them. */
  deniedModels: ModelPatterns.optional(),
  /** CIDR ranges or addresses calls may come from. */
  allowedIps: z.array(IpRange).min(1).max(100).optional(),
  maxBodyBytes: count.optional(),
  /** The longest prompt, in tokens. */
  maxInputTokens: count.optional(),
  /** The longest answer, in tokens; a call that asks for no length gets this one. */
  maxOutputTokens: count.optional(),
  maxConcurrent: count.optional(),
  requestsPerMinute: count.optional(),
  tokensPerMinute: count.optional(),
  /** What calls may cost in a day, week (from Monday), month, and in all; periods are the org's time zone's. */
  budgets: z.strictObject({ day: BudgetUsd, week: BudgetUsd, month: BudgetUsd, total: BudgetUsd }).partial().optional()
    .describe('What calls may cost, in USD. A budget that is new counts what is spent from then on, not what the period or the past had cost before; a changed amount keeps what was counted.')
}

/** Rules of one key, beside its scopes, allowed models and expiry. */
export const KeyLimits = z.strictObject(commonRules)
export type KeyLimits = z.infer<typeof KeyLimits>

/** Rules of a project, an org or the whole platform. */
export const Policy = z.strictObject({
  ...commonRules,
  /** The only models that may be called. */
  allowedModels: ModelPatterns.optional(),
  /** The only kinds of calls that may be made. */
  allowedScopes: z.array(CallScope).min(1).max(callScopes.length).optional(),
  /** No calls from then on. Any year: what was stored once must stay readable, or every call under it would fail. */
  expiresAt: z.iso.datetime({ offset: true }).optional()
})
export type Policy = z.infer<typeof Policy>

/** `GET` and `PUT` of `/api/orgs/current/policy` and `/api/platform/policy`; a `PUT` replaces it whole. */
export const PolicyDocument = z.strictObject({ policy: Policy })
export type PolicyDocument = z.infer<typeof PolicyDocument>

/** The answer to both; the version goes into `If-Match` of a `PUT`. */
export const VersionedPolicy = z.object({ policy: Policy, version: z.string() })
export type VersionedPolicy = z.infer<typeof VersionedPolicy>

/** Names of rules as refusals and decisions give them, in the order they are applied. */
export const policyRules = [
  'scopes', 'expires_at', 'models', 'allowed_ips', 'max_body_bytes', 'max_input_tokens', 'max_output_tokens', 'max_concurrent', 'requests_per_minute', 'tokens_per_minute',
  'budget_day', 'budget_week', 'budget_month', 'budget_total', 'wallet'
] as const
export type PolicyRule = (typeof policyRules)[number]

/** Those that count calls. */
export const counterRules = ['max_concurrent', 'requests_per_minute', 'tokens_per_minute'] as const

const FileBytes = z.int().positive().max(1e12)

/** `POST /v1/policy/check`: a call that is judged and not made. */
export const PolicyCheckRequest = z.strictObject({
  /** Its path, such as `/v1/chat/completions`. */
  endpoint: z.string().min(1).max(200),
  /** Its JSON body. */
  body: z.record(z.string(), z.unknown()).describe('The body of the call; of one that uploads a file, the other fields of its form.'),
  file_bytes: z.union([FileBytes, z.array(FileBytes).min(1).max(64)]).optional().describe('How long the file is, of a call that uploads one, or each of several: they are not sent.')
})
export type PolicyCheckRequest = z.infer<typeof PolicyCheckRequest>

/** One rule's verdict, in the order that rules are applied. */
export const PolicyDecision = z.object({
  rule: z.enum(policyRules),
  scope: z.enum(policyScopes),
  outcome: z.enum(['allow', 'deny']),
  limit: z.unknown().optional(),
  remaining: z.union([z.number(), z.string()]).optional().describe('Before this call; of budgets and the wallet in USD.'),
  resets_at: z.string().optional().describe('When what is used up comes back.'),
  message: z.string().optional().describe('Of a denial: what the call would be told.')
})
export type PolicyDecision = z.infer<typeof PolicyDecision>

/** The answer to `POST /v1/policy/check`. */
export const PolicyCheck = z.object({
  object: z.literal('policy.check'),
  allowed: z.boolean(),
  decisions: z.array(PolicyDecision),
  estimate: z.object({
    max_input_tokens: z.number(),
    max_output_tokens: z.number(),
    hold_usd: z.string().describe('What would be held for the call.'),
    offered_max_tokens: z.number().optional().describe('The cap that its answer would get, for wallet and budgets pay for no more (`x-loom-max-tokens`); absent where it goes as it came.'),
    targets: z.array(z.object({ provider: z.string(), model: z.string() })).describe('Where it would go, in order.')
  })
})
export type PolicyCheck = z.infer<typeof PolicyCheck>
