import { z } from './zod'

export const providerKinds = ['openai', 'azure', 'anthropic', 'google', 'openai-compatible', 'demo'] as const
export const ProviderKind = z.enum(providerKinds)
export type ProviderKind = z.infer<typeof ProviderKind>

/** What a model is for: which endpoint of `/v1` takes it. */
export const modelModes = ['chat', 'responses', 'embeddings', 'images', 'speech', 'transcription', 'moderation', 'rerank'] as const
export type ModelMode = typeof modelModes[number]

export const connectionStatuses = ['active', 'disabled'] as const

/** Nano-USD per million tokens, as decimal strings of integers. */
const PriceNanoUsd = z.string().regex(/^\d+$/)

/** One thing a caller may name in `model`. */
export const Model = z.object({
  /** What goes into `model`: a route's alias, a model's own name, or `<connection>/<model>` where that name is taken. */
  id: z.string(),
  /** `route`: an alias somebody set up; `connection`: offered by a connection as it is. */
  source: z.enum(['route', 'connection']),
  /** Of the target tried first. */
  provider: ProviderKind,
  connectionName: z.string(),
  upstreamModel: z.string(),
  mode: z.enum(modelModes),
  /** Whether it comes with the installation rather than from the org's own connections. */
  platform: z.boolean(),
  description: z.string(),
  contextWindow: z.number().nullable(),
  maxOutputTokens: z.number().nullable(),
  /** Whether it sees images, calls tools, and thinks before it answers; null: not known. */
  vision: z.boolean().nullable(),
  tools: z.boolean().nullable(),
  reasoning: z.boolean().nullable(),
  /** Null: unknown, so that a prepaid org cannot call it. */
  price: z.object({
    source: z.string(),
    inputNanoUsd: PriceNanoUsd,
    outputNanoUsd: PriceNanoUsd,
    cachedInputNanoUsd: PriceNanoUsd.nullable(),
    cacheWriteNanoUsd: PriceNanoUsd.nullable(),
    /** What is priced by other units, nano-USD: null where nothing is. */
    units: z.object({
      audioHourNanoUsd: PriceNanoUsd.optional(),
      millionCharactersNanoUsd: PriceNanoUsd.optional(),
      thousandSearchesNanoUsd: PriceNanoUsd.optional(),
      pictureNanoUsd: z.record(z.string(), PriceNanoUsd).optional()
    }).nullable()
  }).nullable(),
  createdAt: z.iso.datetime()
})
export type Model = z.infer<typeof Model>

/** `GET /api/models` */
export const ModelList = z.object({ models: z.array(Model) })
export type ModelList = z.infer<typeof ModelList>
