import { z } from './zod'
import { Email } from './identity'
import { storableText } from './json'

export const alertKinds = ['budget', 'wallet', 'errors', 'circuit', 'key_expiry'] as const
export type AlertKind = typeof alertKinds[number]
/** Also a webhook's test, which no rule asks for. */
export const alertEventKinds = [...alertKinds, 'test'] as const
export const alertChannels = ['webhook', 'email'] as const
export const deliveryStatuses = ['pending', 'delivered', 'failed'] as const

/** Of how many calls a share of failures is told: looking costs the same however busy an org is. */
export const MAX_JUDGED_CALLS = 10_000

const percent = z.int().min(1).max(100)
const Name = storableText(120).trim().min(1)

/** When an alert is raised, by kind. */
export const AlertCondition = z.discriminatedUnion('kind', [
  /** A budget of the org, a project or a key has spent so many percent of its running period; each once a period. */
  z.strictObject({ kind: z.literal('budget'), percents: z.array(percent).min(1).max(10).transform(all => [...new Set(all)].sort((a, b) => a - b)) }),
  /** A prepaid wallet has less than this left for further calls; once until money is posted. */
  z.strictObject({ kind: z.literal('wallet'), belowUsd: z.string().regex(/^\d{1,9}(\.\d{1,9})?$/, 'must be an amount in USD, such as "25" or "0.5"') }),
  /** So many percent of the latest minutes' calls failed; once an hour. */
  z.strictObject({ kind: z.literal('errors'), percent, minutes: z.int().min(1).max(60), minCalls: z.int().min(1).max(MAX_JUDGED_CALLS) }),
  /** Calls over a connection, or to a model of it, have failed repeatedly and rest; once an hour each. */
  z.strictObject({ kind: z.literal('circuit') }),
  /** A key ends within so many days; once for each end. */
  z.strictObject({ kind: z.literal('key_expiry'), days: z.int().min(1).max(90) })
])
export type AlertCondition = z.infer<typeof AlertCondition>

/** `POST /api/alerts/rules` */
export const CreateAlertRule = z.strictObject({
  name: Name,
  condition: AlertCondition,
  webhookIds: z.array(z.uuid()).max(20).default([]),
  emails: z.array(Email).max(20).default([]),
  enabled: z.boolean().default(true)
})
export type CreateAlertRule = z.infer<typeof CreateAlertRule>

/** `PATCH /api/alerts/rules/{id}`: what is left out stays; a rule keeps its kind. */
export const UpdateAlertRule = z.strictObject({
  name: Name.optional(),
  condition: AlertCondition.optional(),
  webhookIds: z.array(z.uuid()).max(20).optional(),
  emails: z.array(Email).max(20).optional(),
  enabled: z.boolean().optional()
})
export type UpdateAlertRule = z.infer<typeof UpdateAlertRule>

export const AlertRule = z.object({
  id: z.string(),
  /** Sent as `If-Match` with a change, it makes sure that nobody else has changed it meanwhile. */
  version: z.string(),
  name: z.string(),
  condition: AlertCondition,
  webhookIds: z.array(z.string()),
  emails: z.array(z.string()),
  enabled: z.boolean(),
  createdAt: z.iso.datetime()
})
export type AlertRule = z.infer<typeof AlertRule>

const WebhookUrl = z.url({ protocol: /^https?$/ }).max(2_000)

/** `POST /api/alerts/webhooks` */
export const CreateAlertWebhook = z.strictObject({ name: Name, url: WebhookUrl })
export type CreateAlertWebhook = z.infer<typeof CreateAlertWebhook>

/** `PATCH /api/alerts/webhooks/{id}`: what is left out stays. */
export const UpdateAlertWebhook = z.strictObject({ name: Name.optional(), url: WebhookUrl.optional(), enabled: z.boolean().optional() })
export type UpdateAlertWebhook = z.infer<typeof UpdateAlertWebhook>

export const AlertWebhook = z.object({
  id: z.string(),
  /** Sent as `If-Match` with a change, it makes sure that nobody else has changed it meanwhile. */
  version: z.string(),
  name: z.string(),
  url: z.string(),
  enabled: z.boolean(),
  createdAt: z.iso.datetime()
})
export type AlertWebhook = z.infer<typeof AlertWebhook>

/** The answer to a webhook's creation and to `POST /api/alerts/webhooks/{id}/rotate`. */
export const CreatedAlertWebhook = AlertWebhook.extend({
  /** What its requests are signed with (`whsec_…`), shown this once. */
  secret: z.string()
})
export type CreatedAlertWebhook = z.infer<typeof CreatedAlertWebhook>

/** `GET /api/alerts` */
export const AlertSettings = z.object({
  rules: z.array(AlertRule),
  webhooks: z.array(AlertWebhook),
  /** Whether this installation sends e-mail. */
  emailAvailable: z.boolean()
})
export type AlertSettings = z.infer<typeof AlertSettings>

/** One event on its way to one recipient. */
export const AlertDelivery = z.object({
  id: z.string(),
  eventId: z.string(),
  kind: z.enum(alertEventKinds),
  summary: z.string(),
  /** Null: the rule was deleted, or it is a test. */
  rule: z.string().nullable(),
  channel: z.enum(alertChannels),
  recipient: z.string(),
  status: z.enum(deliveryStatuses),
  attempts: z.int(),
  responseStatus: z.int().nullable(),
  error: z.string().nullable(),
  latencyMs: z.int().nullable(),
  /** Of one that is pending. */
  nextAttemptAt: z.iso.datetime().nullable(),
  deliveredAt: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime()
})
export type AlertDelivery = z.infer<typeof AlertDelivery>

/** `GET /api/alerts/deliveries`, newest first. */
export const AlertDeliveryQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z.uuid().optional(),
  status: z.enum(deliveryStatuses).optional()
})
export type AlertDeliveryQuery = z.infer<typeof AlertDeliveryQuery>
export const AlertDeliveryPage = z.object({ items: z.array(AlertDelivery), nextCursor: z.string().nullable() })
export type AlertDeliveryPage = z.infer<typeof AlertDeliveryPage>

/** The body of a webhook's request, as Standard Webhooks shape it. */
export const AlertPayload = z.object({
  /** `alert.budget`, … */
  type: z.string(),
  timestamp: z.iso.datetime(),
  data: z.object({
    eventId: z.string(),
    organisation: z.object({ id: z.string(), name: z.string() }),
    rule: z.object({ id: z.string(), name: z.string() }).nullable(),
    /** The alert in a sentence. */
    summary: z.string(),
    details: z.record(z.string(), z.unknown())
  })
})
export type AlertPayload = z.infer<typeof AlertPayload>
