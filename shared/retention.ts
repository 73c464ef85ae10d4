import { z } from './zod'

/** Ten years: beyond, "for ever" is meant. */
const MAX_DAYS = 3_650
const Days = z.int().min(1).max(MAX_DAYS).nullable()

/** `PUT /api/orgs/current/retention`: how many whole days (UTC) an org's traces are kept; null: for ever. */
export const Retention = z.strictObject({
  /** The whole trace: who called what, when, at what cost. Usage records and the ledger are kept whatever is said here. */
  tracesDays: Days.default(null),
  /** The bodies of request and response. */
  bodiesDays: Days.default(null)
})
export type Retention = z.infer<typeof Retention>

/** The answer to it and to `GET`; the version goes into `If-Match` of a `PUT`. */
export const VersionedRetention = Retention.extend({ version: z.string() })
export type VersionedRetention = z.infer<typeof VersionedRetention>

/** `DELETE /api/orgs/current/encryption-key` */
export const DeleteDataKey = z.strictObject({
  /** The org's slug, typed: what was sealed with the key cannot be read again, by anybody. */
  confirm: z.string().max(200)
})
export type DeleteDataKey = z.infer<typeof DeleteDataKey>

/** The answer to it. */
export const DataKeyDeleted = z.object({
  /** The number of the key that new bodies are sealed with. */
  keyVersion: z.int(),
  /** Connections whose secrets could not be read even before, and need to be entered again. */
  unreadableConnections: z.array(z.string())
})
export type DataKeyDeleted = z.infer<typeof DataKeyDeleted>
