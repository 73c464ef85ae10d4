import { expect, test } from 'vitest'
import { computeCost } from '../../../server/billing/compute-cost'
import type { Price } from '../../../server/billing/price'
import { describeTarget } from '../../../server/catalog/describe-target'
import type { ConnectionRow, PriceRow } from '../../../server/catalog/load-snapshot'
import { boundCost } from '../../../server/gateway/estimate-cost'

const at = new Date('2026-11-01T12:00:00Z')

function overridden(kind: 'openai' | 'google', model: string, rates: Pick<PriceRow, 'inputPrice' | 'outputPrice'> & Partial<PriceRow>): Price {
  const connection: ConnectionRow = { id: 'c', orgId: null, name: 'c', kind, baseUrl: null, config: {}, secret: null, secretIv: null, encryptionKeyVersion: null, status: 'active', createdAt: at, updatedAt: at }
  const row: PriceRow = {
    id: 'p', orgId: null, providerKind: kind, model, cachedInputPrice: null, cacheWritePrice: null, longCacheWritePrice: null, audioInputPrice: null, cachedAudioInputPrice: null, audioOutputPrice: null, audioHourPrice: null, millionCharactersPrice: null,
    thousandSearchesPrice: null, picturePrices: null, effectiveFrom: at, createdAt: at, updatedAt: at, ...rates
  }
  const { price } = describeTarget({ orgSalt: Buffer.alloc(0), connections: [connection], routes: new Map(), prices: new Map([[`${kind}/${model}`, row]]) }, connection, model)
  if (!price) throw new Error('no price')
  return price
}

test('an override never makes sound cheaper than it is, unless it makes the model free', () => {
  const cheap = overridden('openai', 'gpt-audio', { inputPrice: 2_000_000_000n, outputPrice: 8_000_000_000n })
  expect(computeCost({ inputTokens: 10, audioInputTokens: 10, outputTokens: 10, audioOutputTokens: 10 }, cheap)).toBe(320_000n + 640_000n)
  const dear = overridden('openai', 'gpt-audio', { inputPrice: 50_000_000_000n, outputPrice: 90_000_000_000n })
  expect(computeCost({ inputTokens: 10, audioInputTokens: 10, outputTokens: 10, audioOutputTokens: 10 }, dear)).toBe(500_000n + 900_000n)
  const free = overridden('openai', 'gpt-audio', { inputPrice: 0n, outputPrice: 0n })
  expect(computeCost({ inputTokens: 10, audioInputTokens: 10, outputTokens: 10, audioOutputTokens: 10 }, free)).toBe(0n)
})

// The catalogue: gpt-audio hears at $32 and speaks at $64; gemini-2.5-flash hears at $1, of cached sound at $0.10; of a model nobody knows, nothing.
const heard = { inputTokens: 30, cachedInputTokens: 10, audioInputTokens: 20, cachedAudioInputTokens: 10, outputTokens: 10, audioOutputTokens: 10 }
const words = { inputPrice: 2_000_000_000n, outputPrice: 8_000_000_000n }

test.each<[string, 'openai' | 'google', string, Partial<PriceRow>, bigint]>([
  ['sound that is cheaper than the catalogue has it', 'openai', 'gpt-audio', { audioInputPrice: 10_000_000_000n, audioOutputPrice: 20_000_000_000n }, 20_000n + 100_000n + 100_000n + 200_000n],
  ['cached sound, too', 'openai', 'gpt-audio', { audioInputPrice: 10_000_000_000n, cachedAudioInputPrice: 3_000_000_000n, audioOutputPrice: 20_000_000_000n }, 20_000n + 100_000n + 30_000n + 200_000n],
  ['what is spoken alone', 'openai', 'gpt-audio', { audioOutputPrice: 20_000_000_000n }, 20_000n + 320_000n + 320_000n + 200_000n],
  ['sound of a model nobody knows', 'openai', 'of-my-own', { audioInputPrice: 10_000_000_000n, audioOutputPrice: 20_000_000_000n }, 20_000n + 100_000n + 100_000n + 200_000n],
  ['no more of cached sound than of words, which cost more', 'google', 'gemini-2.5-flash', {}, 20_000n + 20_000n + 20_000n + 80_000n],
  ['cached words alone, below cached sound', 'google', 'gemini-2.5-flash', { cachedInputPrice: 1n }, 20_000n + 20_000n + 1_000n + 80_000n],
  ['sound that costs less than words', 'openai', 'of-my-own', { audioInputPrice: 1_000_000_000n, cachedAudioInputPrice: 0n, audioOutputPrice: 0n }, 20_000n + 10_000n]
])('an override may say what sound costs: %s', (_what, kind, model, sound, nanoUsd) => {
  expect(computeCost(heard, overridden(kind, model, { ...words, ...sound }))).toBe(nanoUsd)
})

test('the sound that an override prices costs more in long prompts as words do', () => {
  const price = overridden('google', 'gemini-2.5-pro', { ...words, audioInputPrice: 3_000_000_000n, audioOutputPrice: 10_000_000_000n })
  expect(computeCost({ inputTokens: 200_001, audioInputTokens: 200_001, outputTokens: 10, audioOutputTokens: 10 }, price)).toBe(200_001n * 6_000n + 10n * 15_000n)
})

test('what is held covers sound at the price of an override', () => {
  const price = overridden('openai', 'of-my-own', { ...words, audioInputPrice: 10_000_000_000n, cachedAudioInputPrice: 11_000_000_000n, audioOutputPrice: 20_000_000_000n })
  expect(boundCost({ inputTokens: 10, outputTokens: 10 }, price)).toBe(110_000n + 200_000n)
})

test('long prompts cost as many times more under an override as without it', () => {
  // The catalogue: $1.25 and $10, above 200,000 tokens $2.50 and $15.
  const price = overridden('google', 'gemini-2.5-pro', { inputPrice: 1_000_000_000n, outputPrice: 8_000_000_000n, cachedInputPrice: 100_000_000n })
  expect(computeCost({ inputTokens: 200_000, outputTokens: 10 }, price)).toBe(200_000_000n + 80_000n)
  expect(computeCost({ inputTokens: 200_001, cachedInputTokens: 1, outputTokens: 10 }, price)).toBe(400_000_000n + 200n + 120_000n)
})
