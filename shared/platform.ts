import { z } from './zod'
import { NanoUsdString, walletModes } from './billing'
import { Email, orgStatuses, userRoles } from './identity'

const Search = z.string().trim().max(200).optional()
const Cursor = z.string().max(100).optional()

/** `GET /api/platform/orgs`; the newest first. */
export const PlatformOrgQuery = z.object({
  /** Part of a name or slug. */
  search: Search,
  state: z.enum(['active', 'inactive', 'deleted']).optional(),
  cursor: Cursor
})
export type PlatformOrgQuery = z.infer<typeof PlatformOrgQuery>

export const PlatformOrg = z.object({
  id: z.string(),
  name: z.string(),
  slug: z.string(),
  /** `deleted`: kept until it is restored or purged. */
  state: z.enum(['active', 'inactive', 'deleted']),
  createdAt: z.iso.datetime(),
  deletedAt: z.iso.datetime().nullable(),
  members: z.int(),
  activeKeys: z.int(),
  wallet: z.enum(walletModes),
  markupBasisPoints: z.int(),
  cacheHitBasisPoints: z.int(),
  /** Of the three. */
  walletVersion: z.string(),
  balanceNanoUsd: NanoUsdString
})
export type PlatformOrg = z.infer<typeof PlatformOrg>
export const PlatformOrgPage = z.object({ items: z.array(PlatformOrg), nextCursor: z.string().nullable() })
export type PlatformOrgPage = z.infer<typeof PlatformOrgPage>

/** `POST /api/platform/orgs` */
export const CreateOrg = z.strictObject({
  name: z.string().trim().min(1).max(80),
  wallet: z.enum(walletModes).default('prepaid'),
  /** Who is invited as its owner; left out: whoever makes it. */
  ownerEmail: Email.optional()
})
export type CreateOrg = z.infer<typeof CreateOrg>

/** Its answer; the link lets the owner in, and is shown this once. */
export const CreatedOrg = z.object({ id: z.string(), invitationUrl: z.string().nullable() })
export type CreatedOrg = z.infer<typeof CreatedOrg>

/** `PATCH /api/platform/orgs/{id}` */
export const UpdateOrgStatus = z.strictObject({ status: z.enum(orgStatuses) })

/** `POST /api/platform/orgs/{id}/purge`, and `DELETE /api/orgs/current`: the org's slug, typed. */
export const ConfirmOrg = z.strictObject({ confirm: z.string().max(200) })

/** `GET /api/platform/users`; the newest first. */
export const PlatformUserQuery = z.object({
  /** Part of a name or address. */
  search: Search,
  cursor: Cursor
})
export type PlatformUserQuery = z.infer<typeof PlatformUserQuery>

export const PlatformUser = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  platformAdmin: z.boolean(),
  active: z.boolean(),
  twoFactor: z.boolean(),
  orgs: z.int(),
  lastLoginAt: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
  /** Of `platformAdmin` and `active`. */
  version: z.string()
})
export type PlatformUser = z.infer<typeof PlatformUser>
/** Answer of `PATCH /api/platform/users/{id}`. */
export const UpdatedUser = z.object({ version: z.string() })
export type UpdatedUser = z.infer<typeof UpdatedUser>
export const PlatformUserPage = z.object({ items: z.array(PlatformUser), nextCursor: z.string().nullable() })
export type PlatformUserPage = z.infer<typeof PlatformUserPage>

/** `PATCH /api/platform/users/{id}`: what is left out stays. */
export const UpdateUser = z.strictObject({
  active: z.boolean().optional(),
  role: z.enum(userRoles).optional()
})
export type UpdateUser = z.infer<typeof UpdateUser>

const JobState = z.object({
  name: z.string(),
  everyMs: z.number(),
  lastRunAt: z.iso.datetime().nullable(),
  lastMs: z.number().nullable(),
  /** null: the last run went well, or there was none. */
  lastFailureAt: z.iso.datetime().nullable(),
  running: z.boolean()
})

/** `GET /api/platform/status`: how the installation is. */
export const PlatformStatus = z.object({
  version: z.string(),
  node: z.string(),
  database: z.object({
    kind: z.enum(['postgres', 'embedded']),
    version: z.string(),
    sizeBytes: z.number(),
    /** The largest tables, partitions counted together. */
    tables: z.array(z.object({ name: z.string(), bytes: z.number() })),
    migrations: z.int()
  }),
  redis: z.enum(['connected', 'lost', 'none']),
  replicas: z.array(z.object({
    id: z.string(),
    hostname: z.string(),
    version: z.string(),
    startedAt: z.iso.datetime(),
    heartbeatAt: z.iso.datetime(),
    /** Heard of lately; else it is gone, and what it held is given back. */
    alive: z.boolean(),
    /** The one that answers. */
    current: z.boolean()
  })),
  /** Work for outside workers, by state. */
  tasks: z.record(z.string(), z.int()),
  /** Of the replica that answers. */
  jobs: z.array(JobState)
})
export type PlatformStatus = z.infer<typeof PlatformStatus>
