import type { NanoUsd } from '../../shared/money'
import { larger, smaller } from '../utils/larger'
import type { Price, Rates } from './price'
import type { UnitKind, Units } from './units'
import { costOfUnits, toCount, UNIT_PARTS } from './units'

/** Tokens of one call. Cached and cache-written tokens are part of the input, reasoning tokens of the output. */
export interface BilledTokens {
  inputTokens: number
  outputTokens: number
  cachedInputTokens?: number
  cacheWriteTokens?: number
  /** The part of `cacheWriteTokens` that is kept for an hour. */
  longCacheWriteTokens?: number
  /** Sound among the input, cached or not, and among the output. */
  audioInputTokens?: number
  audioOutputTokens?: number
  /** Of `cachedInputTokens`, what the provider tells to be sound. */
  cachedAudioInputTokens?: number
  /** Of the input, what the provider tells to be text rather than a picture. */
  textInputTokens?: number
  /** Of the output, what the provider tells to be words or thoughts rather than a picture. */
  textOutputTokens?: number
  /** Billed as output, of which they are part. */
  reasoningTokens?: number
  /** What some models are priced by beside tokens or instead; absent where the call has none. */
  units?: Units | undefined
  /** What the provider says it charged. */
  toldCostNanoUsd?: number
}

const TOKENS_PER_PRICE = 1_000_000n

/**
 * The exact cost of a call: every kind of token, and of other units, at its own rate, rounded up once, at the end. Cache counts beyond the
 * input (a provider's mistake) are cut to it, so that no part is ever negative. Sound that nobody tells to be cached is taken to be as little cached
 * as it can be. Where the price says that the provider tells the cost, no less than that.
 * @throws {RangeError} when a count is negative or not a whole number
 */
export function computeCost(tokens: BilledTokens, price: Price): NanoUsd {
  const input = toCount(tokens.inputTokens)
  const cached = smaller(toCount(tokens.cachedInputTokens ?? 0), input)
  const written = smaller(toCount(tokens.cacheWriteTokens ?? 0), input - cached)
  const writtenLong = smaller(toCount(tokens.longCacheWriteTokens ?? 0), written)
  const fresh = input - cached - written
  const toldSound = smaller(toCount(tokens.cachedAudioInputTokens ?? 0), cached)
  const untold = larger(toCount(tokens.audioInputTokens ?? 0), toldSound) - toldSound
  const heard = smaller(untold, fresh)
  const recalled = toldSound + smaller(untold - heard, cached - toldSound)
  const worded = smaller(toCount(tokens.textInputTokens ?? 0), fresh - heard)
  const output = toCount(tokens.outputTokens)
  const spoken = smaller(toCount(tokens.audioOutputTokens ?? 0), output)
  const said = smaller(toCount(tokens.textOutputTokens ?? 0), output - spoken)
  const rates = ratesFor(price, tokens.inputTokens)
  const writePrice = rates.cacheWritePrice ?? rates.inputPrice
  const total = (fresh - heard - worded) * rates.inputPrice
    + worded * (rates.textInputPrice ?? rates.inputPrice)
    + heard * (rates.audioInputPrice ?? rates.inputPrice)
    + (cached - recalled) * (rates.cachedInputPrice ?? rates.inputPrice)
    + recalled * (rates.cachedAudioInputPrice ?? rates.audioInputPrice ?? rates.cachedInputPrice ?? rates.inputPrice)
    + (written - writtenLong) * writePrice
    + writtenLong * (rates.longCacheWritePrice ?? writePrice)
    + (output - spoken - said) * rates.outputPrice
    + said * (rates.textOutputPrice ?? rates.outputPrice)
    + spoken * (rates.audioOutputPrice ?? rates.outputPrice)
  const told = price.tellsCost ? toCount(tokens.toldCostNanoUsd ?? 0) : 0n
  if (tokens.units === undefined || price.units === undefined) return larger((total + TOKENS_PER_PRICE - 1n) / TOKENS_PER_PRICE, told)
  const parts = total * (UNIT_PARTS / TOKENS_PER_PRICE) + costOfUnits(tokens.units, price.units)
  return larger((parts + UNIT_PARTS - 1n) / UNIT_PARTS, told)
}

/** Whether a price says what a call costs that is measured in `unit`, or in tokens alone: a model priced by the hour has no price for a chat. */
export function isPricedFor(price: Price | undefined, unit: UnitKind | undefined): boolean {
  return price !== undefined && (price.byUnitsAlone !== true || (unit !== undefined && price.units?.[unit] !== undefined))
}

/** The rates of a call with this much input: long prompts cost more with some models, for the whole call. */
export function ratesFor(price: Price, inputTokens: number): Rates {
  return price.tiers?.findLast(tier => inputTokens > tier.aboveInputTokens) ?? price
}
