import { z } from './zod'
import { NanoUsdString } from './billing'
import { ProviderKind } from './catalog'
import { storableText } from './json'
import { Moment } from './moment'

/** What callers write in `model`. */
const Alias = z.string().trim().min(1).regex(/^[a-z0-9][\w.:/@-]{0,199}$/i, 'may hold letters, digits and . _ - : / @')
const UpstreamModel = storableText(200).trim().min(1)

/**
 * How a route chooses among targets of the same priority: `ordered` as they are listed, `weighted` by chance in proportion to
 * their weights, `least-latency` the one that began its latest answers soonest, `least-cost` the cheapest for a call of this size.
 */
export const routeStrategies = ['ordered', 'weighted', 'least-latency', 'least-cost'] as const
export const RouteStrategy = z.enum(routeStrategies)
export type RouteStrategy = z.infer<typeof RouteStrategy>

export const RouteTarget = z.strictObject({
  connectionId: z.uuid(),
  /** What the connection calls the model. */
  upstreamModel: UpstreamModel,
  /** Lower ones are tried first. */
  priority: z.int().min(0).max(1_000).default(0),
  /** Its share of the calls among targets of the same priority. */
  weight: z.int().min(1).max(1_000_000).default(1),
  /** Until its answer begins (a stream) or is whole, ms; then the next target is tried. Null: as long as any call may wait. */
  timeoutMs: z.int().min(100).max(600_000).nullable().default(null),
  /** Further attempts on it before the next target is tried. Null: as configured for all. */
  retries: z.int().min(0).max(10).nullable().default(null)
})
export type RouteTarget = z.infer<typeof RouteTarget>

const Targets = z.array(RouteTarget).min(1).max(20)
const Description = storableText(500).trim()

/** `POST /api/models/routes` */
export const CreateModelRoute = z.strictObject({
  alias: Alias,
  description: Description.default(''),
  strategy: RouteStrategy.default('weighted'),
  targets: Targets,
  /** Offered to every org, over the platform's connections; only platform admins make such. */
  platform: z.boolean().default(false)
})
export type CreateModelRoute = z.infer<typeof CreateModelRoute>

/** `PATCH /api/models/routes/{id}`: what is left out stays; targets are replaced as a whole. */
export const UpdateModelRoute = z.strictObject({
  alias: Alias.optional(),
  description: Description.optional(),
  strategy: RouteStrategy.optional(),
  targets: Targets.optional()
})
export type UpdateModelRoute = z.infer<typeof UpdateModelRoute>

export const ModelRoute = z.object({
  id: z.string(),
  /** Sent as `If-Match` with a change, it makes sure that nobody else has changed it meanwhile. */
  version: z.string(),
  alias: z.string(),
  description: z.string(),
  strategy: RouteStrategy,
  platform: z.boolean(),
  /** Whether the caller may change it. */
  editable: z.boolean(),
  /** In the order they are tried. */
  targets: z.array(RouteTarget),
  createdAt: z.iso.datetime()
})
export type ModelRoute = z.infer<typeof ModelRoute>

/** `GET /api/models/routes`: the org's own and the platform's. */
export const ModelRouteList = z.object({ routes: z.array(ModelRoute) })
export type ModelRouteList = z.infer<typeof ModelRouteList>

/** A decimal string of an integer within a PostgreSQL bigint; per million tokens unless said. */
const PriceNanoUsd = z.string().regex(/^\d{1,18}$/, 'must be a whole number of nano-USD')

/** Of one picture by `<quality>/<size>`, the narrowest entry that fits; `*` stands for any, and for none asked. */
const PicturePrices = z.record(z.string().regex(/^[\w*.-]{1,40}\/[\w*.-]{1,40}$/, 'must be <quality>/<size>, either may be *'), PriceNanoUsd)
  .refine(prices => Object.keys(prices).length >= 1 && Object.keys(prices).length <= 100, 'must have 1 to 100 entries')

/** `POST /api/models/prices`: for platform admins, since what a call costs is what an org owes the platform. */
export const CreateModelPrice = z.strictObject({
  providerKind: ProviderKind,
  /** Of that kind, the platform's or the current org's own (whose price is that org's alone). null: over every connection of the kind, but below the packaged list at no host that it knows. */
  connectionId: z.uuid().nullable().default(null),
  model: UpstreamModel,
  inputNanoUsd: PriceNanoUsd,
  outputNanoUsd: PriceNanoUsd,
  /** null: in the ratio to input that the packaged list has; what others do where it has none. */
  cachedInputNanoUsd: PriceNanoUsd.nullable().default(null),
  /** null: as with `cachedInputNanoUsd`. */
  cacheWriteNanoUsd: PriceNanoUsd.nullable().default(null),
  /** Of what is kept for an hour; null: in the ratio to other writes that the packaged list has; as they where it has none. */
  longCacheWriteNanoUsd: PriceNanoUsd.nullable().default(null),
  /** Of sound that is heard. null: what the packaged list says, or what words cost, whichever is more. */
  audioInputNanoUsd: PriceNanoUsd.nullable().default(null),
  /** Of sound that is read from a cache. null: as other sound where `audioInputNanoUsd` says what that costs, else as the packaged list says. */
  cachedAudioInputNanoUsd: PriceNanoUsd.nullable().default(null),
  /** Of sound that is spoken. null: as with `audioInputNanoUsd`. */
  audioOutputNanoUsd: PriceNanoUsd.nullable().default(null),
  /** Of an hour of sound that is listened to. With `inputNanoUsd` and `outputNanoUsd` "0", the model is priced by such units alone. */
  audioHourNanoUsd: PriceNanoUsd.nullable().default(null),
  /** Of a million characters that are read aloud. */
  millionCharactersNanoUsd: PriceNanoUsd.nullable().default(null),
  /** Of a thousand searches of a reranking. */
  thousandSearchesNanoUsd: PriceNanoUsd.nullable().default(null),
  pictureNanoUsd: PicturePrices.nullable().default(null),
  /** Absent: now. */
  effectiveFrom: Moment.optional(),
  /** For the current org alone, instead of all. */
  ownOrgOnly: z.boolean().default(false)
})
export type CreateModelPrice = z.infer<typeof CreateModelPrice>

export const ModelPrice = z.object({
  id: z.string(),
  providerKind: ProviderKind,
  /** null: over every connection of the kind. */
  connection: z.object({ id: z.string(), name: z.string() }).nullable(),
  model: z.string(),
  inputNanoUsd: z.string(),
  outputNanoUsd: z.string(),
  cachedInputNanoUsd: z.string().nullable(),
  cacheWriteNanoUsd: z.string().nullable(),
  longCacheWriteNanoUsd: z.string().nullable(),
  audioInputNanoUsd: z.string().nullable(),
  cachedAudioInputNanoUsd: z.string().nullable(),
  audioOutputNanoUsd: z.string().nullable(),
  audioHourNanoUsd: z.string().nullable(),
  millionCharactersNanoUsd: z.string().nullable(),
  thousandSearchesNanoUsd: z.string().nullable(),
  pictureNanoUsd: z.record(z.string(), z.string()).nullable(),
  effectiveFrom: z.iso.datetime(),
  /** False: for the current org alone. */
  platform: z.boolean()
})
export type ModelPrice = z.infer<typeof ModelPrice>

/** `GET /api/models/prices`: the overrides in force for the org, and those to come; newest first. */
export const ModelPriceList = z.object({ prices: z.array(ModelPrice) })
export type ModelPriceList = z.infer<typeof ModelPriceList>

/** The longest question a model is tried with, in UTF-16 code units. */
export const TRIAL_PROMPT_MAX = 20_000

/** `POST /api/models/try` */
export const TryModel = z.strictObject({
  /** As any call names it. */
  model: z.string().trim().min(1).max(256),
  prompt: z.string().trim().min(1).max(TRIAL_PROMPT_MAX)
})
export type TryModel = z.infer<typeof TryModel>

/** How one call of a model went: a real one, charged and traced like any other. */
export const ModelTrial = z.object({
  traceId: z.string(),
  text: z.string(),
  provider: z.string(),
  /** As it was served. */
  model: z.string(),
  attempts: z.int(),
  latencyMs: z.number(),
  /** Until its first words. */
  ttfbMs: z.number().nullable(),
  inputTokens: z.int(),
  outputTokens: z.int(),
  costNanoUsd: NanoUsdString,
  /** Why there is no answer, or no whole one. */
  error: z.object({ code: z.string(), message: z.string() }).nullable()
})
export type ModelTrial = z.infer<typeof ModelTrial>
