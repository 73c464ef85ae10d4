import { z } from './zod'
import { Moment } from './moment'

/** One change, as lists show it. */
export const AuditEntry = z.object({
  id: z.string(),
  /** Its place in the org's log: 1, 2, 3 … */
  sequence: z.int(),
  createdAt: z.iso.datetime(),
  /** `user:<id>`, `key:<id> of user:<id>`, or `system`. */
  actor: z.string(),
  /** The user's name now; null for the system, and for users who are gone. */
  actorName: z.string().nullable(),
  action: z.string(),
  target: z.string(),
  before: z.unknown(),
  after: z.unknown(),
  ip: z.string().nullable(),
  /** Of this entry and all before it. */
  hash: z.string()
})
export type AuditEntry = z.infer<typeof AuditEntry>

/** What of the log is wanted; times are ISO 8601, `from` included, `to` not. */
export const AuditFilter = z.object({
  /** Whatever this user did, themselves or by a key. */
  userId: z.uuid().optional(),
  /** `key.create`, or `key` for all that is done to keys. */
  action: z.string().max(80).regex(/^[a-z_]+(\.[a-z_]+)?$/, 'must be like key.create, or key').optional(),
  /** `key:<id>`, exactly. */
  target: z.string().max(200).optional(),
  from: Moment.optional(),
  to: Moment.optional()
})
export type AuditFilter = z.infer<typeof AuditFilter>

/** `GET /api/audit`: newest first. */
export const AuditQuery = AuditFilter.extend({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** `nextCursor` of the page before. */
  cursor: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER).optional()
})
export type AuditQuery = z.infer<typeof AuditQuery>

export const AuditPage = z.object({ items: z.array(AuditEntry), nextCursor: z.string().nullable() })
export type AuditPage = z.infer<typeof AuditPage>

/** `GET /api/audit/export` */
export const AuditExport = AuditFilter.extend({ format: z.enum(['csv', 'jsonl']).default('csv') })

/** `GET /api/audit/actions`: every action there is in the org's log. */
export const AuditActions = z.object({ actions: z.array(z.string()) })
