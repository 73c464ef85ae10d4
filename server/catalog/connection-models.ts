import { z } from 'zod'
import type { ProviderKind } from '../../shared/catalog'
import { AzureConfig } from '../gateway/providers/azure'
import { claudeLimits } from '../gateway/providers/anthropic-model'
import { demoModels } from '../gateway/providers/demo'
import { geminiOutputLimit, geminiWindow } from '../gateway/providers/google-model'
import { DEMO_CONTEXT_WINDOW, DEMO_MAX_OUTPUT_TOKENS } from '../gateway/providers/demo-answer'
import { modelMode } from './model-mode'
import { openAiOutputLimit, openAiWindow } from './output-limits'
import { findPackagedModel, findPackagedProviderId, packagedModelIds } from './packaged-prices'
import type { PackagedModel } from './packaged-prices'
import { findPublishedPrice, publishedModels } from './published-prices'
import { regionalPrice } from './regional-price'
import type { Price } from '../billing/price'

/** What of a connection decides which models it has. */
export interface ModelSource {
  kind: ProviderKind
  baseUrl: string | null
  config: unknown
}

export interface UpstreamModel {
  /** Undefined: unknown, never free. */
  price: Price | undefined
  contextWindow?: number
  maxOutputTokens?: number
  defaultOutputTokens?: number
}

/** A config that cannot be read offers nothing; that is told when the connection is called. */
const Models = z.object({ models: z.array(z.string()).default([]) }).catch({ models: [] })
const Deployments = AzureConfig.catch({ apiVersion: 'v1', deployments: {} })

interface OfferedModels {
  own: ReadonlySet<string>
  deployments: ReadonlyMap<string, string>
  /** The same by their names in small letters: Azure does not tell them apart. */
  deploymentsInSmall: ReadonlyMap<string, string>
}

const read = new WeakMap<ModelSource, OfferedModels>()

/** What a connection's config says of its models. Read once: a list asks for it as often as it has models. */
function configOf(source: ModelSource): OfferedModels {
  const known = read.get(source) ?? readConfig(source)
  read.set(source, known)
  return known
}

function readConfig({ kind, config }: ModelSource): OfferedModels {
  const deployments = kind === 'azure' ? Object.entries(Deployments.parse(config).deployments) : []
  return {
    own: new Set(kind === 'azure' ? [] : Models.parse(config).models),
    deployments: new Map(deployments),
    deploymentsInSmall: new Map(deployments.map(([name, model]) => [name.toLowerCase(), model]))
  }
}

/** Small, so that a new wallet lasts; not zero, so that the ledger has something to show. */
const demoPrice: Price = { source: 'demo', inputPrice: 100_000_000n, outputPrice: 400_000_000n }

/** Known to be free, which is not the same as unknown. Source: OpenAI's guide "Moderation": the endpoint is free of charge. */
const freePrice: Price = { source: 'published', inputPrice: 0n, outputPrice: 0n }
const freeModels = ['omni-moderation-latest']
/** Not in the packaged catalogue at all. */
const unpackagedModels = [...freeModels, ...publishedModels]

/** The upstream models a connection offers by their bare names, the listed ones. */
export function declaredModels(source: ModelSource): string[] {
  if (source.kind === 'demo') return [...demoModels]
  const { own, deployments } = configOf(source)
  if (source.kind === 'azure') return [...deployments.keys()]
  if (source.kind === 'openai-compatible') return [...own]
  const packaged = packagedModelIds(source.kind)
  const chat = packaged.filter(model => writes(source.kind, model) && !isPast(model))
  const media = [...packaged, ...unpackagedModels].filter(model => isMediaModel(source.kind, model))
  return [...new Set([...own, ...[...chat, ...media].filter(model => describeUpstreamModel(source, model).price)])]
}

/** Whether a connection answers to a bare model name: a listed one, or a dated version of one the catalogue knows. */
export function declaresModel(source: ModelSource, model: string): boolean {
  if (source.kind === 'demo') return demoModels.some(name => name === model)
  const { own, deployments } = configOf(source)
  if (source.kind === 'azure') return deployments.has(model)
  return own.has(model)
    || (source.kind !== 'openai-compatible' && (isMediaModel(source.kind, model) || (writes(source.kind, model) && findPackagedModel(source.kind, model) !== undefined)))
}

/** What Loom itself knows of an upstream model; `model_prices` may say otherwise. */
export function describeUpstreamModel(source: ModelSource, upstreamModel: string): UpstreamModel {
  if (source.kind === 'demo') return { price: demoPrice, contextWindow: DEMO_CONTEXT_WINDOW, maxOutputTokens: DEMO_MAX_OUTPUT_TOKENS }
  const model = servedModel(source, upstreamModel)
  if (source.kind === 'openai' && modelMode(model) === 'moderation') return { price: freePrice }
  const packaged = findPackaged(source, upstreamModel)
  const known = packaged?.price ?? (source.kind === 'openai' ? findPublishedPrice(model) : undefined)
  const price = known && source.kind === 'openai' ? regionalPrice(known, source.baseUrl, model) : known
  return { price, contextWindow: packaged?.contextWindow ?? openAiWindow(model) ?? geminiWindow(model), ...outputLimits(source.kind, model) }
}

/** The packaged catalogue's entry of an upstream model, whichever way it is called; undefined where the catalogue knows the provider or the model not. */
export function findPackaged(source: ModelSource, upstreamModel: string): PackagedModel | undefined {
  const providerId = source.kind === 'openai-compatible' ? findPackagedProviderId(source.baseUrl ?? '') : source.kind
  return providerId === undefined ? undefined : findPackagedModel(providerId, servedModel(source, upstreamModel))
}

/** The model behind an Azure deployment, or behind a name in full, as Google takes it (`models/…`); else the model itself. */
export function servedModel(source: ModelSource, upstreamModel: string): string {
  if (source.kind !== 'azure') return upstreamModel.replace(/^models\//, '')
  const { deployments, deploymentsInSmall } = configOf(source)
  return deployments.get(upstreamModel) ?? deploymentsInSmall.get(upstreamModel.toLowerCase()) ?? upstreamModel
}

function outputLimits(kind: ProviderKind, model: string): Pick<UpstreamModel, 'maxOutputTokens' | 'defaultOutputTokens'> {
  if (kind === 'anthropic') {
    const { maxTokens, defaultMaxTokens } = claudeLimits(model)
    return { maxOutputTokens: maxTokens, defaultOutputTokens: defaultMaxTokens }
  }
  if (kind === 'google') return { maxOutputTokens: geminiOutputLimit(model) }
  return kind === 'openai' || kind === 'azure' ? { maxOutputTokens: openAiOutputLimit(model) } : {}
}

/** Whether it answers in words, in chats or by responses alone. */
function writes(kind: ProviderKind, model: string): boolean {
  return isChatModel(kind, model) || modelMode(model, kind) === 'responses'
}

/** The catalogue also prices speech, images, embeddings, fine-tunes, open weights OpenAI does not serve, and the Claudes of Google's other platform. */
function isChatModel(kind: ProviderKind, model: string): boolean {
  if (kind === 'google') return model.startsWith('gemini-') && !/audio|live|tts|image|embedding|omni/.test(model)
  return /^(?:gpt-|chatgpt-|o\d|claude-)/.test(model)
    && !/audio|realtime|transcribe|tts|image|instruct|oss|codex|-pro|deep-research|:extended|\.ft-/.test(model)
}

/** For the endpoints beside chat. */
function isMediaModel(kind: ProviderKind, model: string): boolean {
  if (kind === 'google') return model.startsWith('gemini-embedding-')
  return kind === 'openai' && /^(?:text-embedding-|gpt-image-|dall-e-|gpt-(?:4o-(?:mini-)?)?(?:transcribe|tts)|whisper-|tts-|(?:omni|text)-moderation-)/.test(model)
}

/** Still in the catalogue for the sake of old bills, no longer worth a line in a list. Callable by name all the same. */
function isPast(model: string): boolean {
  return /^claude-(?:v?[12]|3-)|^gpt-3\.5-.*(?:0301|0613|1106|16k)|^gpt-4-(?:32k|vision)|^(?:gpt|o\d).*-preview$|^o1-mini|^gemini-(?:1\.|2\.0|pro|flash)/.test(model)
}
