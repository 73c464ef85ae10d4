import { applyMarkup } from '../billing/apply-markup'
import type { Price, Rates } from '../billing/price'

const REGIONAL_HOST = /^https?:\/\/[a-z]+\.api\.openai\.com(?:[:/]|$)/i
/** Released on or after 2026-03-05. */
const DEARER_MODELS = /^gpt-(?:5\.[4-9]|[6-9]|\d\d)/
const UPLIFT_BASIS_POINTS = 1_000

const rateNames = ['inputPrice', 'outputPrice', 'textInputPrice', 'textOutputPrice', 'cachedInputPrice', 'cacheWritePrice', 'longCacheWritePrice', 'audioInputPrice', 'cachedAudioInputPrice', 'audioOutputPrice'] as const satisfies (keyof Rates)[]

/**
 * The price of a model of OpenAI's at a connection's host: those of a region charge a tenth more for newer models.
 * Source: OpenAI's guide "Data residency", read 2026-11.
 */
export function regionalPrice(price: Price, baseUrl: string | null, model: string): Price {
  if (!REGIONAL_HOST.test(baseUrl ?? '') || !DEARER_MODELS.test(model)) return price
  return { ...raise(price), ...(price.tiers && { tiers: price.tiers.map(raise) }) }
}

function raise<Rated extends Rates>(rates: Rated): Rated {
  return { ...rates, ...Object.fromEntries(rateNames.flatMap((name) => {
    const rate = rates[name]
    return rate === undefined ? [] : [[name, applyMarkup(rate, UPLIFT_BASIS_POINTS)]]
  })) }
}
