import type { NanoUsd } from '../../shared/money'
import { larger } from '../utils/larger'

/** Pictures of one kind. */
export interface Pictures {
  count: number
  /** As the caller asked for; undefined when they left it open. */
  quality?: string | undefined
  size?: string | undefined
}

/** What a call used of what some models are priced by instead of tokens. */
export interface Units {
  /** Sound that was listened to, ms. */
  audioMs?: number
  /** Unicode characters that were read aloud. */
  characters?: number
  /** A query and up to a hundred pieces of documents each. */
  searches?: number
  pictures?: Pictures
}
export type UnitKind = keyof Units

/** Prices of units, nano-USD. */
export interface UnitRates {
  /** Of an hour. */
  audioMs?: NanoUsd
  /** What a shorter sound is charged as, ms. */
  leastAudioMs?: number
  /** Of a million. */
  characters?: NanoUsd
  /** Of a thousand. */
  searches?: NanoUsd
  /** Of one each, by `<quality>/<size>`; `*` in either place stands for any, and for none asked. */
  pictures?: Readonly<Record<string, NanoUsd>>
}

/** The denominator of `costOfUnits`: its parts per nano-USD. */
export const UNIT_PARTS = 18_000_000n

/**
 * What these units cost, in parts of a nano-USD, so that nothing is rounded before all of a call is added up. What the rates do
 * not price costs nothing here: whether a model is priced at all for a call is `isPricedFor`'s to say.
 * @throws {RangeError} when a count is negative or not a whole number
 */
export function costOfUnits({ audioMs = 0, characters = 0, searches = 0, pictures }: Units, rates: UnitRates): bigint {
  return toCount(audioMs > 0 ? Math.max(audioMs, rates.leastAudioMs ?? 0) : audioMs) * (rates.audioMs ?? 0n) * (UNIT_PARTS / 3_600_000n)
    + toCount(characters) * (rates.characters ?? 0n) * (UNIT_PARTS / 1_000_000n)
    + toCount(searches) * (rates.searches ?? 0n) * (UNIT_PARTS / 1_000n)
    + toCount(pictures?.count ?? 0) * (pictures && rates.pictures ? priceOfPicture(pictures, rates.pictures) : 0n) * UNIT_PARTS
}

/** The narrowest entry that fits; the dearest of all where none does, for what a provider makes of it is unknown. */
function priceOfPicture({ quality = '*', size = '*' }: Pictures, prices: Readonly<Record<string, NanoUsd>>): NanoUsd {
  const found = prices[`${quality}/${size}`] ?? prices[`*/${size}`] ?? prices[`${quality}/*`] ?? prices['*/*']
  return found ?? Object.values(prices).reduce(larger, 0n)
}

/** @throws {RangeError} */
export function toCount(count: number): bigint {
  if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`Not a count: ${count}`)
  return BigInt(count)
}
