import type { Price } from '../billing/price'

/**
 * What OpenAI charges for models that the packaged catalogue lacks, nano-USD per million characters: $15 and $30.
 * Source: https://developers.openai.com/api/docs/models/tts-1 and tts-1-hd, of 2026-11. A bill of tts-1 that agrees, $0.061425 for
 * 4,095 characters: https://www.s-anand.net/blog/openai-tts-cost/, 2025-11-02.
 */
const characterPrices: Readonly<Record<string, bigint>> = {
  'tts-1': 15_000_000_000n,
  'tts-1-hd': 30_000_000_000n
}

export const publishedModels: readonly string[] = Object.keys(characterPrices)

const prices: ReadonlyMap<string, Price> = new Map(Object.entries(characterPrices).map(([model, characters]) =>
  [model, { source: 'published', inputPrice: 0n, outputPrice: 0n, units: { characters }, byUnitsAlone: true }]))

/** The list price of a model of OpenAI's by its name, dated versions included; undefined for all that the packaged catalogue has. */
export function findPublishedPrice(model: string): Price | undefined {
  return prices.get(model.replace(/-\d{4}$/, ''))
}
