import type { Price, Rates, SoundRates } from '../billing/price'
import { larger } from '../utils/larger'
import { withSound } from './sound-prices'

/**
 * What OpenRouter asks for a model, of which the packaged catalogue has the price of words: sound and pictures cost what they do at its `maker`, as its pages
 * of gpt-audio ($32) and gemini-2.0-flash ($0.70) say, read 2026-11.
 */
export function asOpenRouterAsks(words: Price, model: string, maker: Price | undefined): Price {
  const price: Price = { ...withWrites(words, model), ...(words.tiers && { tiers: words.tiers.map(tier => withWrites(tier, model)) }), tellsCost: true }
  return withPictures(withSound(price, soundOf(model, maker), model), model, maker)
}

/**
 * A write costs what input does and five minutes of storage, for which the catalogue has their sum or, of newer Geminis, the storage alone; to keep it at Claude for an
 * hour costs twice the input, which the catalogue has not. Source: https://openrouter.ai/docs/features/prompt-caching, read 2026-11.
 */
function withWrites<Rated extends Rates>(rates: Rated, model: string): Rated {
  const { inputPrice, cacheWritePrice } = rates
  if (cacheWritePrice === undefined) return rates
  return {
    ...rates,
    ...(cacheWritePrice < inputPrice && { cacheWritePrice: inputPrice + cacheWritePrice }),
    ...(/^~?anthropic\//.test(model) && { longCacheWritePrice: inputPrice * 2n })
  }
}

/** Pictures cost up to twelve times what words do: a model that may draw, at a price nobody knows, has none that is whole. */
function withPictures(price: Price, model: string, maker: Price | undefined): Price {
  if (maker?.textOutputPrice !== undefined) return { ...price, outputPrice: larger(maker.outputPrice, price.outputPrice), textOutputPrice: price.outputPrice }
  return model.includes('image') ? { ...price, isPartial: true } : price
}

/** Of gpt-audio-mini, OpenRouter says that sound costs what words do: https://openrouter.ai/openai/gpt-audio-mini, read 2026-11. */
function soundOf(model: string, maker: Price | undefined): SoundRates | undefined {
  if (model === 'openai/gpt-audio-mini') return {}
  if (maker?.audioInputPrice === undefined) return undefined
  const { audioInputPrice, cachedAudioInputPrice, audioOutputPrice } = maker
  return { audioInputPrice, ...(cachedAudioInputPrice !== undefined && { cachedAudioInputPrice }), ...(audioOutputPrice !== undefined && { audioOutputPrice }) }
}
