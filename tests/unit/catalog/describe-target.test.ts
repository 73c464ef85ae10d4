import { expect, test } from 'vitest'
import { computeCost } from '../../../server/billing/compute-cost'
import type { Price } from '../../../server/billing/price'
import { describeTarget } from '../../../server/catalog/describe-target'
import type { ConnectionRow, PriceRow } from '../../../server/catalog/load-snapshot'

const at = new Date('2026-11-01T12:00:00Z')

function overridden(kind: 'openai' | 'google', model: string, rates: Pick<PriceRow, 'inputPrice' | 'outputPrice'> & Partial<PriceRow>): Price {
  const connection: ConnectionRow = { id: 'c', orgId: null, name: 'c', kind, baseUrl: null, config: {}, secret: null, secretIv: null, encryptionKeyVersion: null, status: 'active', createdAt: at, updatedAt: at }
  const row: PriceRow = {
    id: 'p', orgId: null, providerKind: kind, model, cachedInputPrice: null, cacheWritePrice: null, longCacheWritePrice: null, audioHourPrice: null, millionCharactersPrice: null,
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

test('long prompts cost as many times more under an override as without it', () => {
  // The catalogue: $1.25 and $10, above 200,000 tokens $2.50 and $15.
  const price = overridden('google', 'gemini-2.5-pro', { inputPrice: 1_000_000_000n, outputPrice: 8_000_000_000n, cachedInputPrice: 100_000_000n })
  expect(computeCost({ inputTokens: 200_000, outputTokens: 10 }, price)).toBe(200_000_000n + 80_000n)
  expect(computeCost({ inputTokens: 200_001, cachedInputTokens: 1, outputTokens: 10 }, price)).toBe(400_000_000n + 200n + 120_000n)
})
