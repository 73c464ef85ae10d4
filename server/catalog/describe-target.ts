import type { UnitRates } from '../billing/units'
import { describeUpstreamModel, servedModel } from './connection-models'
import type { UpstreamModel } from './connection-models'
import type { ConnectionRow, PriceRow, Snapshot } from './load-snapshot'
import type { Price } from '../billing/price'

/** An upstream model as the org sees it: overridden prices win over the packaged ones. */
export function describeTarget(snapshot: Snapshot, connection: ConnectionRow, upstreamModel: string): UpstreamModel {
  const known = describeUpstreamModel(connection, upstreamModel)
  const override = snapshot.prices.get(`${connection.kind}/${upstreamModel}`)
    ?? snapshot.prices.get(`${connection.kind}/${servedModel(connection, upstreamModel)}`)
  return override ? { ...known, price: overridePrice(override) } : known
}

function overridePrice(row: PriceRow): Price {
  return {
    source: `override:${row.id}`,
    inputPrice: row.inputPrice,
    outputPrice: row.outputPrice,
    ...(row.cachedInputPrice !== null && { cachedInputPrice: row.cachedInputPrice }),
    ...(row.cacheWritePrice !== null && { cacheWritePrice: row.cacheWritePrice }),
    ...(row.longCacheWritePrice !== null && { longCacheWritePrice: row.longCacheWritePrice }),
    ...unitPrices(row)
  }
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
