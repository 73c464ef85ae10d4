import type { NanoUsd } from '../../shared/money'
import type { UnitRates } from '../billing/units'
import { describeUpstreamModel, servedModel } from './connection-models'
import type { UpstreamModel } from './connection-models'
import type { ConnectionRow, PriceRow, Snapshot } from './load-snapshot'
import type { Price, Rates } from '../billing/price'

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
    ...(row.longCacheWritePrice !== null && { longCacheWritePrice: row.longCacheWritePrice })
  }
  return { source: `override:${row.id}`, ...rates, ...(known && keptOf(known, rates)), ...unitPrices(row) }
}

/**
 * What an override says nothing of, and Loom knows to cost more: sound, at no less than it cost before, and long prompts, which cost as many
 * times more as they did. A model that was made free is free.
 */
function keptOf(known: Price, rates: Rates): Pick<Price, 'tiers' | 'audioInputPrice' | 'audioOutputPrice'> {
  if (rates.inputPrice === 0n && rates.outputPrice === 0n) return {}
  const { audioInputPrice: heard, audioOutputPrice: spoken } = known
  return {
    ...(heard !== undefined && { audioInputPrice: larger(heard, rates.inputPrice) }),
    ...(spoken !== undefined && { audioOutputPrice: larger(spoken, rates.outputPrice) }),
    ...(known.tiers && { tiers: known.tiers.map(tier => ({ aboveInputTokens: tier.aboveInputTokens, ...raised(rates, tier, known) })) })
  }
}

/** The rates, as many times higher as those of `tier` are than those of `base`. */
function raised(rates: Rates, tier: Rates, base: Rates): Rates {
  const input = (price: NanoUsd) => timesMore(price, tier.inputPrice, base.inputPrice)
  const { cachedInputPrice, cacheWritePrice, longCacheWritePrice } = rates
  return {
    inputPrice: input(rates.inputPrice),
    outputPrice: timesMore(rates.outputPrice, tier.outputPrice, base.outputPrice),
    ...(cachedInputPrice !== undefined && { cachedInputPrice: input(cachedInputPrice) }),
    ...(cacheWritePrice !== undefined && { cacheWritePrice: input(cacheWritePrice) }),
    ...(longCacheWritePrice !== undefined && { longCacheWritePrice: input(longCacheWritePrice) }),
    ...(tier.audioInputPrice !== undefined && { audioInputPrice: larger(tier.audioInputPrice, input(rates.inputPrice)) })
  }
}

/** Rounded up. */
function timesMore(price: NanoUsd, tier: NanoUsd, base: NanoUsd): NanoUsd {
  return base === 0n ? price : (price * tier + base - 1n) / base
}

function larger(a: NanoUsd, b: NanoUsd): NanoUsd {
  return a > b ? a : b
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
