import { z } from './zod'
import { connectionStatuses, ProviderKind } from './catalog'

export const ConnectionStatus = z.enum(connectionStatuses)

/** Also the first half of a model's full name (`<connection>/<model>`), so no slash and no space. */
const ConnectionName = z.string().trim().min(1).regex(/^[a-z0-9][a-z0-9._-]{0,59}$/i, 'may hold letters, digits, dots, dashes and underscores')
const BaseUrl = z.url({ protocol: /^https?$/ }).max(2_000).nullable()
const Secret = z.string().trim().min(1).max(8_000).nullable()
/** Checked further by what the connection's kind says. */
const Settings = z.record(z.string(), z.unknown())

/** `POST /api/connections` */
export const CreateConnection = z.strictObject({
  kind: ProviderKind,
  name: ConnectionName,
  /** null: the provider's own, where it has one. */
  baseUrl: BaseUrl.default(null),
  /** Stored encrypted, never shown again. */
  secret: Secret.default(null),
  config: Settings.default({}),
  /** Offered to every org; only platform admins make such. */
  platform: z.boolean().default(false)
})
export type CreateConnection = z.infer<typeof CreateConnection>

/** `PATCH /api/connections/{id}`: what is left out stays. A new `baseUrl` needs the secret again, so that nobody sends a secret they do not know elsewhere. */
export const UpdateConnection = z.strictObject({
  name: ConnectionName.optional(),
  baseUrl: BaseUrl.optional(),
  secret: Secret.optional(),
  config: Settings.optional(),
  status: ConnectionStatus.optional()
})
export type UpdateConnection = z.infer<typeof UpdateConnection>

/** A connection as lists show it. Details are null for whoever may not change it. */
export const Connection = z.object({
  id: z.string(),
  /** Sent as `If-Match` with a change, it makes sure that nobody else has changed it meanwhile. */
  version: z.string().nullable(),
  kind: ProviderKind,
  name: z.string(),
  /** Offered to every org. */
  platform: z.boolean(),
  status: ConnectionStatus,
  /** Whether the caller may see its details and change it. */
  editable: z.boolean(),
  baseUrl: z.string().nullable(),
  config: Settings.nullable(),
  hasSecret: z.boolean().nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime()
})
export type Connection = z.infer<typeof Connection>

/** `GET /api/connections`: the org's own and the platform's. */
export const ConnectionList = z.object({ connections: z.array(Connection) })
export type ConnectionList = z.infer<typeof ConnectionList>

/** `POST /api/connections/{id}/test` */
export const TestConnection = z.strictObject({
  /** As the provider calls it. Left out: the cheapest that the connection offers. */
  model: z.string().trim().min(1).max(200).optional()
})
export type TestConnection = z.infer<typeof TestConnection>

export const connectionVerdicts = ['works', 'refused_credential', 'unknown_model', 'rate_limited', 'refused_request', 'unreachable', 'timeout', 'failed', 'unreadable'] as const

/** What one real call over a connection showed. */
export const ConnectionTest = z.object({
  verdict: z.enum(connectionVerdicts),
  /** What that means and what to do, fit to be shown. */
  message: z.string(),
  /** Null: nothing could be asked for. */
  model: z.string().nullable(),
  /** The provider's HTTP status; null when it sent none. */
  status: z.int().nullable(),
  /** Until the whole answer was here. */
  latencyMs: z.number()
})
export type ConnectionTest = z.infer<typeof ConnectionTest>

/** How calls over a connection went lately. */
export const ConnectionHealth = z.object({
  connectionId: z.string(),
  /** Attempts of the org's latest calls, and how many of them failed. */
  attempts: z.int(),
  failed: z.int(),
  /** Milliseconds until it is tried again after it could not be reached; 0: it is not resting. Of the replica asked. */
  restsMs: z.number(),
  /** Models that rest for this org alone, after failures of their own. */
  restingModels: z.array(z.object({ model: z.string(), restsMs: z.number() }))
})
export type ConnectionHealth = z.infer<typeof ConnectionHealth>

/** `GET /api/connections/health`, of the last `minutes`. */
export const ConnectionHealthList = z.object({ minutes: z.int(), connections: z.array(ConnectionHealth) })
export type ConnectionHealthList = z.infer<typeof ConnectionHealthList>
