import type { Model } from '../../shared/catalog'
import type { WireModel } from '../../shared/wire'

const NANO_USD_DIGITS = 9
const PER_THOUSAND_DIGITS = 3
const PER_MILLION_DIGITS = 6

/** A model as OpenAI's SDKs read it, with what OpenRouter's callers expect beside it. */
export function toWireModel(model: Model): WireModel {
  return {
    id: model.id,
    object: 'model',
    created: Math.floor(Date.parse(model.createdAt) / 1_000),
    owned_by: model.platform ? 'platform' : 'org',
    provider: model.provider,
    mode: model.mode,
    description: model.description,
    context_window: model.contextWindow,
    max_output_tokens: model.maxOutputTokens,
    pricing: model.price && {
      prompt: usdPerToken(model.price.inputNanoUsd),
      completion: usdPerToken(model.price.outputNanoUsd),
      ...(model.price.cachedInputNanoUsd !== null && { input_cache_read: usdPerToken(model.price.cachedInputNanoUsd) }),
      ...(model.price.cacheWriteNanoUsd !== null && { input_cache_write: usdPerToken(model.price.cacheWriteNanoUsd) }),
      ...(model.price.units && unitPricing(model.price.units))
    }
  }
}

function unitPricing({ audioHourNanoUsd: hour, millionCharactersNanoUsd: characters, thousandSearchesNanoUsd: searches, pictureNanoUsd: pictures }: NonNullable<NonNullable<Model['price']>['units']>) {
  return {
    ...(hour !== undefined && { audio_hour: usd(hour) }),
    ...(characters !== undefined && { character: usd(characters, PER_MILLION_DIGITS) }),
    ...(searches !== undefined && { search: usd(searches, PER_THOUSAND_DIGITS) }),
    ...(pictures && { image: Object.fromEntries(Object.entries(pictures).map(([kind, price]) => [kind, usd(price)])) })
  }
}

/** Nano-USD per million tokens → USD per token, the exact decimal. */
export function usdPerToken(nanoUsdPerMillion: string): string {
  return usd(nanoUsdPerMillion, PER_MILLION_DIGITS)
}

/** Nano-USD for 10^`digits` of something → USD for one, the exact decimal. */
function usd(nanoUsd: string, digits = 0): string {
  const places = NANO_USD_DIGITS + digits
  const padded = nanoUsd.padStart(places + 1, '0')
  const fraction = padded.slice(-places).replace(/0+$/, '')
  return `${padded.slice(0, -places)}${fraction && `.${fraction}`}`
}
