import type { NanoUsd } from '../../shared/money'
import type { UnitRates } from '../billing/units'
import { describeUpstreamModel, servedModel } from './connection-models'
import type { UpstreamModel } from './connection-models'
import type { ConnectionRow, PriceRow, Snapshot } from './load-snapshot'
import type { Price, Rates, SoundRates } from '../billing/price'
import { larger } from '../utils/larger'

/** An upstream model as the org sees it: overridden prices win over Loom's own. */
export function describeTarget(snapshot: Snapshot, connection: ConnectionRow, upstreamModel: string): UpstreamModel {
  const known = describeUpstreamModel(connection, upstreamModel)
  const override = snapshot.prices.get(`${connection.kind}/${upstreamModel}`)
    ?? snapshot.prices.get(`${connection.kind}/${servedModel(connection, upstreamModel)}`)
  return override ? { ...known, price: overridePrice(override, known.price) } : known
}

function overridePrice(row: PriceRow, known: Price | undefined): Price {
  const rates: Rates = {
    inputPrice: row.inputPrice,
    outputPrice: row.outputPrice,
    ...(row.cachedInputPrice !== null && { cachedInputPrice: row.cachedInputPrice }),
    ...(row.cacheWritePrice !== null && { cacheWritePrice: row.cacheWritePrice }),
    ...(row.longCacheWritePrice !== null && { longCacheWritePrice: row.longCacheWritePrice }),
    ...(row.audioInputPrice !== null && { audioInputPrice: row.audioInputPrice }),
    ...(row.cachedAudioInputPrice !== null && { cachedAudioInputPrice: row.cachedAudioInputPrice }),
    ...(row.audioOutputPrice !== null && { audioOutputPrice: row.audioOutputPrice })
  }
  return { source: `override:${row.id}`, ...(known && keptRates(known, rates)), ...rates, ...unitPrices(row) }
}

/**
 * What an override says nothing of, and Loom knows to cost more: sound, at no less than it cost before, and long prompts, which cost as many
 * times more as they did. A model that was made free is free.
 */
function keptRates(known: Price, rates: Rates): SoundRates & Pick<Price, 'tiers'> {
  if (rates.inputPrice === 0n && rates.outputPrice === 0n) return {}
  return {
    ...soundOf(known, rates),
    ...(known.tiers && { tiers: known.tiers.map(tier => ({ aboveInputTokens: tier.aboveInputTokens, ...withSound(raised(rates, tier, known), tier) })) })
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
