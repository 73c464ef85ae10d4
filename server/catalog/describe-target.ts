import type { NanoUsd } from '../../shared/money'
import type { UnitRates } from '../billing/units'
import { describeUpstreamModel, findPackaged, servedModel } from './connection-models'
import type { UpstreamModel } from './connection-models'
import { priceName } from './load-snapshot'
import type { ConnectionRow, PriceRow, Snapshot } from './load-snapshot'
import { findPackagedProviderId } from './packaged-prices'
import type { Price, Rates, SoundRates } from '../billing/price'
import { larger } from '../utils/larger'

/** An upstream model as the org sees it: overridden prices win over Loom's own. */
export function describeTarget(snapshot: Snapshot, connection: ConnectionRow, upstreamModel: string): UpstreamModel {
  const known = describeUpstreamModel(connection, upstreamModel)
  const override = findOverride(snapshot, connection, upstreamModel, known.price)
  return override ? { ...known, price: overridePrice(override, known.price) } : known
}

/**
 * What was set for the connection, else for its kind: of the very name, else of the model behind it, else of the catalogue's family, so that nobody chooses between two prices by how a model is written.
 * One that is billed for more than its tokens (a search for every answer) is of no family: it needs a price of its own.
 */
function findOverride({ prices }: Snapshot, connection: ConnectionRow, upstreamModel: string, known: Price | undefined): PriceRow | undefined {
  if (prices.size === 0) return undefined
  const family = known?.isPartial ? undefined : findPackaged(connection, upstreamModel)?.id
  const names = [upstreamModel, servedModel(connection, upstreamModel), ...family === undefined ? [] : [family]]
  const find = (owner: string) => names.map(name => prices.get(priceName(owner, name))).find(row => row !== undefined)
  const own = find(connection.id)
  if (own) return own
  const common = find(connection.kind)
  return common && isMeantForOthers(common, connection, known) ? undefined : common
}

/** Servers of one's own have models of the same names as Groq or OpenRouter: at a host that the catalogue knows, what was set for all of the kind makes none cheaper than it is listed, or free. */
function isMeantForOthers({ inputPrice, outputPrice, audioHourPrice, ...row }: PriceRow, { kind, baseUrl }: ConnectionRow, known: Price | undefined): boolean {
  if (kind !== 'openai-compatible' || findPackagedProviderId(baseUrl ?? '') === undefined) return false
  if (!known) return isFree({ inputPrice, outputPrice }) && audioHourPrice === null && row.millionCharactersPrice === null && row.thousandSearchesPrice === null && row.picturePrices === null
  return inputPrice < known.inputPrice || outputPrice < known.outputPrice || (audioHourPrice ?? 0n) < (known.units?.audioMs ?? 0n)
}

function isFree({ inputPrice, outputPrice }: Pick<Rates, 'inputPrice' | 'outputPrice'>): boolean {
  return inputPrice === 0n && outputPrice === 0n
}

function overridePrice(row: PriceRow, known: Price | undefined): Price {
  const told: Rates = {
    inputPrice: row.inputPrice,
    outputPrice: row.outputPrice,
    ...(row.cachedInputPrice !== null && { cachedInputPrice: row.cachedInputPrice }),
    ...(row.cacheWritePrice !== null && { cacheWritePrice: row.cacheWritePrice }),
    ...(row.longCacheWritePrice !== null && { longCacheWritePrice: row.longCacheWritePrice }),
    ...(row.audioInputPrice !== null && { audioInputPrice: row.audioInputPrice }),
    ...(row.cachedAudioInputPrice !== null && { cachedAudioInputPrice: row.cachedAudioInputPrice }),
    ...(row.audioOutputPrice !== null && { audioOutputPrice: row.audioOutputPrice })
  }
  const rates = known && !isFree(told) ? completed(told, known) : told
  return { source: `override:${row.id}`, ...rates, ...unitPrices(row) }
}

/**
 * With what an override says nothing of, and Loom knows: a cache and long prompts cost as many times more, or less, as they did, and sound no
 * less than before.
 */
function completed(told: Rates, known: Price): Rates & Pick<Price, 'tiers'> {
  const rates = withCache(told, known)
  return {
    ...withSound(rates, known),
    ...(known.tiers && { tiers: known.tiers.map(tier => ({ aboveInputTokens: tier.aboveInputTokens, ...withSound(raised(rates, tier, known), tier) })) })
  }
}

/** A write for an hour follows any other. */
function withCache(rates: Rates, known: Rates): Rates {
  const inRatio = (price: NanoUsd | undefined, told = rates.inputPrice, listed = known.inputPrice) => price === undefined ? undefined : timesMore(told, price, listed)
  const cachedInputPrice = rates.cachedInputPrice ?? inRatio(known.cachedInputPrice)
  const cacheWritePrice = rates.cacheWritePrice ?? inRatio(known.cacheWritePrice)
  const longCacheWritePrice = rates.longCacheWritePrice ?? inRatio(known.longCacheWritePrice, cacheWritePrice, known.cacheWritePrice)
  return {
    ...rates,
    ...(cachedInputPrice !== undefined && { cachedInputPrice }),
    ...(cacheWritePrice !== undefined && { cacheWritePrice }),
    ...(longCacheWritePrice !== undefined && { longCacheWritePrice })
  }
}

function withSound(rates: Rates, known: Rates): Rates {
  return { ...soundOf(known, rates), ...rates }
}

/** Once an override says what sound costs, cached sound costs as much, unless it says that, too. */
function soundOf({ audioInputPrice: heard, cachedAudioInputPrice: recalled, audioOutputPrice: spoken }: Rates, rates: Rates): SoundRates {
  return {
    ...(heard !== undefined && { audioInputPrice: larger(heard, rates.inputPrice) }),
    ...(recalled !== undefined && rates.audioInputPrice === undefined && { cachedAudioInputPrice: larger(recalled, rates.cachedInputPrice ?? rates.inputPrice) }),
    ...(spoken !== undefined && { audioOutputPrice: larger(spoken, rates.outputPrice) })
  }
}

/** The rates, as many times higher as those of `tier` are than those of `base`. */
function raised(rates: Rates, tier: Rates, base: Rates): Rates {
  const input = (price: NanoUsd) => timesMore(price, tier.inputPrice, base.inputPrice)
  const output = (price: NanoUsd) => timesMore(price, tier.outputPrice, base.outputPrice)
  const { cachedInputPrice, cacheWritePrice, longCacheWritePrice, audioInputPrice, cachedAudioInputPrice, audioOutputPrice } = rates
  return {
    inputPrice: input(rates.inputPrice),
    outputPrice: output(rates.outputPrice),
    ...(cachedInputPrice !== undefined && { cachedInputPrice: input(cachedInputPrice) }),
    ...(cacheWritePrice !== undefined && { cacheWritePrice: input(cacheWritePrice) }),
    ...(longCacheWritePrice !== undefined && { longCacheWritePrice: input(longCacheWritePrice) }),
    ...(audioInputPrice !== undefined && { audioInputPrice: input(audioInputPrice) }),
    ...(cachedAudioInputPrice !== undefined && { cachedAudioInputPrice: input(cachedAudioInputPrice) }),
    ...(audioOutputPrice !== undefined && { audioOutputPrice: output(audioOutputPrice) })
  }
}

/** Rounded up. */
function timesMore(price: NanoUsd, tier: NanoUsd, base: NanoUsd): NanoUsd {
  return base === 0n ? price : (price * tier + base - 1n) / base
}

function unitPrices({ inputPrice, outputPrice, audioHourPrice, millionCharactersPrice, thousandSearchesPrice, picturePrices }: PriceRow): Pick<Price, 'units' | 'byUnitsAlone'> {
  const units: UnitRates = {
    ...(audioHourPrice !== null && { audioMs: audioHourPrice }),
    ...(millionCharactersPrice !== null && { characters: millionCharactersPrice }),
    ...(thousandSearchesPrice !== null && { searches: thousandSearchesPrice }),
    ...(picturePrices && { pictures: Object.fromEntries(Object.entries(picturePrices).map(([kind, price]) => [kind, BigInt(price)])) })
  }
  if (Object.keys(units).length === 0) return {}
  return { units, ...(inputPrice === 0n && outputPrice === 0n && { byUnitsAlone: true }) }
}
