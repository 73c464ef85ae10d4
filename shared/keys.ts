import { z } from './zod'
import { storableText } from './json'
import { Moment } from './moment'
import { callScopes, KeyLimits, ModelPattern } from './policy'

export const keyStatuses = ['active', 'revoked'] as const

/** What every key begins with. */
export const KEY_PREFIX = 'loom_sk_'
/** What of a key is kept readable, so that people can tell theirs apart: the prefix and 6 of its random characters. */
export const KEY_SHOWN_LENGTH = KEY_PREFIX.length + 6

/** What is shown of the key that stands in a text (`Bearer loom_sk_…`, `KEY="loom_sk_…"`); undefined where none does. */
export function shownOfKey(text: string): string | undefined {
  const at = text.indexOf(KEY_PREFIX)
  return at === -1 ? undefined : /^\w*/.exec(text.slice(at, at + KEY_SHOWN_LENGTH))?.[0]
}

/**
 * What a key may do: `inference` calls models, `chat`, `embeddings`, … only those endpoints of it; `traces` reads traces and usage, `bodies` reads the decrypted
 * bodies of traces, `billing` sets its own charge per call, `workspace` acts on the browser API as its creator.
 */
export const keyScopes = ['inference', ...callScopes, 'traces', 'bodies', 'billing', 'workspace'] as const
export const KeyScope = z.enum(keyScopes)
export type KeyScope = z.infer<typeof KeyScope>

/** Scopes that only admins of the org give out. */
export const adminKeyScopes: readonly KeyScope[] = ['bodies', 'billing', 'workspace']

const KeyName = storableText(80).trim().min(1)
const Scopes = z.array(KeyScope).min(1).max(keyScopes.length).transform(scopes => keyScopes.filter(scope => scopes.includes(scope)))
/** 1 second to 30 days. */
const CacheTtl = z.int().min(1).max(30 * 24 * 3_600).nullable()
const AllowedModels = z.array(ModelPattern).min(1).max(200).nullable()
const ExpiresAt = Moment.transform(text => new Date(text)).refine(date => date.getTime() > Date.now(), 'must be in the future').nullable()

/** The longest a rotated key's old secret may stay valid. */
const MAX_OVERLAP_HOURS = 24 * 90
/** How long before its end a key counts as expiring soon, and its callers are told. */
export const EXPIRY_WARNING_MS = 14 * 24 * 60 * 60 * 1000

/** `POST /api/keys/{id}/rotate` */
export const RotateKey = z.strictObject({
  /** How long the secret so far stays valid beside the new one; 0 ends it, and every one before it, at once. */
  overlapHours: z.number().min(0).max(MAX_OVERLAP_HOURS).default(24)
})
export type RotateKey = z.infer<typeof RotateKey>

/** `POST /api/keys`. Without a project the key is the whole org's. */
export const CreateKey = z.strictObject({
  name: KeyName,
  projectId: z.uuid().nullable().default(null),
  scopes: Scopes.default(['inference']),
  /** Names, or patterns with `*`. null: every model of the org. */
  allowedModels: AllowedModels.default(null),
  limits: KeyLimits.default({}),
  /** How long its answers are cached where a call does not say. null: not at all. */
  cacheTtlSeconds: CacheTtl.default(null),
  /** null: never. */
  expiresAt: ExpiresAt.default(null),
  /** The org's own, for a service: it does not end with the member who made it. Only admins make one, and it has no `workspace`. */
  service: z.boolean().default(false)
}).refine(({ service, scopes }) => !service || !scopes.includes('workspace'), { path: ['scopes'], message: 'a service key acts for nobody, so it cannot have `workspace`' })
export type CreateKey = z.infer<typeof CreateKey>

/** `PATCH /api/keys/{id}`: what is left out stays. */
export const UpdateKey = z.strictObject({
  name: KeyName.optional(),
  scopes: Scopes.optional(),
  allowedModels: AllowedModels.optional(),
  limits: KeyLimits.optional(),
  cacheTtlSeconds: CacheTtl.optional(),
  expiresAt: ExpiresAt.optional()
})
export type UpdateKey = z.infer<typeof UpdateKey>

/** `expired` is `active` past its expiry. */
const KeyStatus = z.enum(['active', 'expired', 'revoked'])
export type KeyStatus = z.infer<typeof KeyStatus>

/** A key as lists show it: everything but the key. */
export const ApiKey = z.object({
  id: z.string(),
  /** Sent as `If-Match` with a change, it makes sure that nobody else has changed it meanwhile. */
  version: z.string(),
  name: z.string(),
  /** The first characters, to tell keys apart. */
  prefix: z.string(),
  scopes: z.array(KeyScope),
  projectId: z.string().nullable(),
  /** null for a key of the whole org, and where the project is not open to who reads this. */
  projectName: z.string().nullable(),
  allowedModels: z.array(z.string()).nullable(),
  limits: KeyLimits,
  cacheTtlSeconds: z.number().nullable(),
  status: KeyStatus,
  /** Active, and within two weeks of its end. */
  expiresSoon: z.boolean(),
  /** Owned by the org rather than by who made it. */
  service: z.boolean(),
  /** Who saw its secret last: who made it, or rotated it. */
  createdBy: z.object({ id: z.string(), name: z.string() }).nullable(),
  /** That somebody has left the org since: a service key should be rotated then. */
  makerLeft: z.boolean(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
  revokedAt: z.iso.datetime().nullable(),
  lastUsedAt: z.iso.datetime().nullable(),
  /** When its present secret was made by a rotation. */
  rotatedAt: z.iso.datetime().nullable(),
  /** The secret before, while it is still valid. */
  previous: z.object({ expiresAt: z.iso.datetime(), lastUsedAt: z.iso.datetime().nullable() }).nullable()
})
export type ApiKey = z.infer<typeof ApiKey>

/** `GET /api/keys`; the newest first. */
export const KeyQuery = z.object({
  /** Part of a name, or of the characters that are shown of a key. */
  search: storableText(120).trim().optional(),
  status: KeyStatus.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** The page before's `nextCursor`. */
  cursor: z.uuid().optional()
})
export type KeyQuery = z.infer<typeof KeyQuery>
export const KeyPage = z.object({ keys: z.array(ApiKey), nextCursor: z.string().nullable() })
export type KeyPage = z.infer<typeof KeyPage>

/** The answer to `POST /api/keys`. */
export const CreatedApiKey = ApiKey.extend({
  /** The whole key, shown this once. */
  key: z.string()
})
export type CreatedApiKey = z.infer<typeof CreatedApiKey>
