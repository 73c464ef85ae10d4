import { calcPrice, findProvider } from '@pydantic/genai-prices'
import type { ModelPrice } from '@pydantic/genai-prices'
import { LRUCache } from 'lru-cache'
import { toNanoUsd } from '../../shared/money'
import type { NanoUsd } from '../../shared/money'
import { deepSeekFlashPrice } from './deepseek-prices'
import { modelMode } from './model-mode'
import type { Price, Rates } from '../billing/price'
import { asOpenRouterAsks } from './open-router-prices'
import { findSoundRates, withSound } from './sound-prices'

/** The version of `@pydantic/genai-prices` these prices come from, stored with every charge. A test holds it to the installed one. */
export const PACKAGED_PRICES_VERSION = '0.1.8'

export interface PackagedModel {
  /** The catalogue's own name, one for all dated ones of a model. */
  id: string
  /** Undefined when the catalogue prices something else than tokens and hours of sound, or lacks the price of input or, unless it writes nothing, of output. */
  price: Price | undefined
  contextWindow: number | undefined
}

/** What each sound is charged as at least, ms. Source: https://console.groq.com/docs/speech-text ("Minimum Billed Length"), 2026-11. */
const leastAudioMs: Readonly<Record<string, number>> = { groq: 10_000 }

/**
 * Names that stand for another model by now than the catalogue has them for, or that it has not. Sources: Mistral's own documentation,
 * https://github.com/mistralai/platform-docs-public (`apiNames` of `src/schema/models/models`), 2026-08-21; DeepSeek's announcement of V4, 2026-04-24,
 * as https://developersdigest.tech/blog/deepseek-chat-to-v4-migration-guide quotes it; its pricing page, which has `deepseek-flash` for V4.1 and answers for V4 Flash with that.
 */
const movedNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  deepseek: {
    'deepseek-chat': 'deepseek-v4-flash',
    'deepseek-reasoner': 'deepseek-v4-flash',
    'deepseek-flash': 'deepseek-v4-flash'
  },
  mistral: {
    'mistral-large-latest': 'mistral-large-2512',
    'mistral-small-latest': 'mistral-small-2603',
    'codestral-latest': 'codestral-2508',
    'devstral-latest': 'devstral-2512',
    'devstral-medium-latest': 'devstral-2512',
    'ministral-3b-latest': 'ministral-3b-2512',
    'ministral-14b-latest': 'ministral-14b-2512'
  }
}

/**
 * Models that search the web for every answer, which their providers bill by the call, though the catalogue has the price of their tokens
 * alone. Sources: OpenRouter's pages of `gpt-4o-search-preview` ($35 a thousand searches beside its tokens) and `o3-deep-research` ("always uses the
 * 'web_search' tool"), read 2026-11; Perplexity, "Pricing".
 */
const searching = /-search-(?:preview|api)\b|sonar|deep-research/

/** Where these models search with the tools that a call names, without which they refuse it. Source: OpenAI's guide "Deep research", read 2026-11. */
const searchingWhenAsked = /^(?:openai|azure)\/.*deep-research/

/** Some prices follow the time of day: none is remembered longer than a minute. */
const found = new LRUCache<string, { model: PackagedModel | undefined }>({ max: 5_000, ttl: 60_000 })

/**
 * What the packaged catalogue knows of a model of one of its providers (`openai`, `anthropic`, `azure`, `groq`…), at
 * this moment's price. Dated names find their family. Remembered, so cheap to ask again.
 */
export function findPackagedModel(providerId: string, model: string): PackagedModel | undefined {
  const name = `${providerId}/${model}`
  const known = found.get(name) ?? { model: readPackagedModel(providerId, model, new Date()) }
  found.set(name, known, { noUpdateTTL: true })
  return known.model
}

/** As `findPackagedModel`, at the price of `at`. */
export function readPackagedModel(providerId: string, model: string, at: Date): PackagedModel | undefined {
  const match = calcPrice({}, movedNames[providerId]?.[model] ?? model, { providerId, timestamp: at })
  if (!match) return undefined
  const words = providerId === 'deepseek' && match.model.id === 'deepseek-v4-flash' ? deepSeekFlashPrice(at) : toPrice(providerId, match.model.id, match.model_price)
  const price = words && (providerId === 'openrouter' ? asOpenRouterAsks(words, model, findMakersPrice(model, at)) : withSound(words, findSoundRates(model), model))
  const isPartial = searching.test(model) && !searchingWhenAsked.test(`${providerId}/${model}`)
  return { id: match.model.id, price: price && isPartial ? { ...price, isPartial } : price, contextWindow: match.model.context_window }
}

/** What the maker of a model at OpenRouter asks for it. */
function findMakersPrice(model: string, at: Date): Price | undefined {
  const [, maker, name] = /^(openai|google)\/([^:]+)/.exec(model) ?? []
  return maker !== undefined && name !== undefined ? readPackagedModel(maker, name, at)?.price : undefined
}

/** The models of a provider, by the catalogue's own names; retired ones left out. */
export function packagedModelIds(providerId: string): string[] {
  return (findProvider({ providerId })?.models ?? []).flatMap(model => model.deprecated ? [] : [model.id])
}

/** The catalogue's provider behind an API's base URL; undefined for private servers. */
export function findPackagedProviderId(baseUrl: string): string | undefined {
  if (!URL.canParse(baseUrl)) return undefined
  const { origin } = new URL(baseUrl)
  const provider = findProvider({ providerApiUrl: origin })
  // The catalogue's patterns are prefixes; ours must be the whole host. Moonshot's ends where its two hosts part.
  return provider && new RegExp(`^(?:${provider.api_pattern})${provider.id === 'moonshotai' ? '(?:ai|cn)' : ''}(?::\\d+)?$`).test(origin) ? provider.id : undefined
}

/**
 * Where the catalogue has several rates for one kind of token that a call's usage does not tell apart (thoughts, and pictures where nobody tells), the
 * dearest counts. Prices per request cannot be told from tokens at all, so such a model has no price.
 */
function toPrice(providerId: string, model: string, prices: ModelPrice): Price | undefined {
  if (prices.requests_kcount !== undefined) return undefined
  const source = `catalog:${PACKAGED_PRICES_VERSION}`
  const hour = dearestAbove(prices, -1, 'audio_hours', 'input_audio_hours')
  if (hour !== undefined && prices.input_mtok === undefined && prices.output_mtok === undefined) {
    const least = leastAudioMs[providerId]
    return { source, inputPrice: 0n, outputPrice: 0n, units: { audioMs: hour, ...(least !== undefined && { leastAudioMs: least }) }, byUnitsAlone: true }
  }
  const writesNothing = modelMode(model) === 'embeddings'
  const base = ratesAbove(prices, -1, writesNothing)
  if (!base) return undefined
  const starts = new Set(Object.values(prices).flatMap(price => typeof price === 'object' ? price.tiers.map(tier => tier.start) : []))
  const tiers = [...starts].sort((a, b) => a - b).flatMap((start) => {
    const rates = ratesAbove(prices, start, writesNothing)
    return rates ? [{ aboveInputTokens: start, ...rates }] : []
  })
  return { source, ...base, ...(tiers.length > 0 && { tiers }) }
}

function ratesAbove(prices: ModelPrice, start: number, writesNothing: boolean): Rates | undefined {
  const dearest = (...keys: string[]) => dearestAbove(prices, start, ...keys)
  const inputPrice = prices.input_mtok === undefined ? undefined : dearest('input_mtok', 'input_image_mtok')
  const outputPrice = prices.output_mtok === undefined ? writesNothing ? 0n : undefined : dearest('output_mtok', 'output_image_mtok', 'output_reasoning_mtok')
  if (inputPrice === undefined || outputPrice === undefined) return undefined
  const textInputPrice = dearest('input_mtok')
  const textOutputPrice = dearest('output_mtok', 'output_reasoning_mtok')
  const cachedInputPrice = dearest('cache_read_mtok', 'cache_image_read_mtok')
  const cacheWritePrice = dearest('cache_write_mtok')
  const longCacheWritePrice = dearest('cache_write_1h_mtok')
  const audioInputPrice = dearest('input_audio_mtok')
  const cachedAudioInputPrice = dearest('cache_audio_read_mtok')
  const audioOutputPrice = dearest('output_audio_mtok')
  return {
    inputPrice,
    outputPrice,
    ...(textInputPrice !== undefined && textInputPrice < inputPrice && { textInputPrice }),
    ...(textOutputPrice !== undefined && textOutputPrice < outputPrice && { textOutputPrice }),
    ...(cachedInputPrice !== undefined && { cachedInputPrice }),
    ...(cacheWritePrice !== undefined && { cacheWritePrice }),
    ...(longCacheWritePrice !== undefined && { longCacheWritePrice }),
    ...(audioInputPrice !== undefined && { audioInputPrice }),
    ...(cachedAudioInputPrice !== undefined && { cachedAudioInputPrice }),
    ...(audioOutputPrice !== undefined && { audioOutputPrice })
  }
}

function dearestAbove(prices: ModelPrice, start: number, ...keys: string[]): NanoUsd | undefined {
  return keys.flatMap(key => priceAbove(prices[key], start) ?? []).reduce<NanoUsd | undefined>((most, price) => most !== undefined && most > price ? most : price, undefined)
}

function priceAbove(price: ModelPrice[string], start: number): NanoUsd | undefined {
  if (price === undefined || typeof price === 'number') return price === undefined ? undefined : toNanoUsd(price)
  return toNanoUsd(price.tiers.findLast(tier => tier.start <= start)?.price ?? price.base)
}
