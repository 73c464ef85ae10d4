import { expect, test } from 'vitest'
import { computeCost } from '../../../server/billing/compute-cost'
import type { Price } from '../../../server/billing/price'
import { describeTarget } from '../../../server/catalog/describe-target'
import { firstByName } from '../../../server/catalog/load-snapshot'
import type { ConnectionRow, PriceRow } from '../../../server/catalog/load-snapshot'
import { boundCost } from '../../../server/gateway/estimate-cost'

const at = new Date('2026-11-01T12:00:00Z')

type SetRates = Pick<PriceRow, 'inputPrice' | 'outputPrice'> & Partial<PriceRow>

function connectionTo(kind: ConnectionRow['kind'], baseUrl: string | null = null, config: object = {}): ConnectionRow {
  return { id: `to-${baseUrl}`, orgId: null, name: 'c', kind, baseUrl, config, secret: null, secretIv: null, encryptionKeyVersion: null, status: 'active', createdAt: at, updatedAt: at }
}

/** What a model costs over a connection where others are priced so. */
function priceOver(connection: ConnectionRow, model: string, ...set: ({ model: string } & SetRates)[]): Price | undefined {
  const rows = set.map((rates, index): PriceRow => ({
    id: `p${index}`, orgId: null, providerKind: connection.kind, connectionId: null, cachedInputPrice: null, cacheWritePrice: null, longCacheWritePrice: null, audioInputPrice: null, cachedAudioInputPrice: null, audioOutputPrice: null, audioHourPrice: null,
    millionCharactersPrice: null, thousandSearchesPrice: null, picturePrices: null, effectiveFrom: at, createdAt: at, updatedAt: at, ...rates
  }))
  return describeTarget({ orgSalt: Buffer.alloc(0), connections: [connection], routes: new Map(), prices: firstByName(rows) }, connection, model).price
}

function overridden(kind: 'anthropic' | 'openai' | 'google', model: string, rates: SetRates): Price {
  const price = priceOver(connectionTo(kind), model, { model, ...rates })
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
  ['no more of cached sound than of cached words, which cost more', 'google', 'gemini-2.5-flash', {}, 20_000n + 20_000n + 2_000n + 80_000n],
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

// The catalogue: Claude Sonnet 4.6 costs $3, of that from a cache a tenth, into one 1.25 times, for an hour twice as much; of a model nobody knows, nothing.
const throughCache = { inputTokens: 30, cachedInputTokens: 10, cacheWriteTokens: 20, longCacheWriteTokens: 10, outputTokens: 0 }

test.each<[string, string, Partial<PriceRow>, bigint]>([
  ['in the ratio of the catalogue', 'claude-sonnet-4-6', {}, 2_000n + 25_000n + 40_000n],
  ['a write for an hour in the ratio of the other', 'claude-sonnet-4-6', { cacheWritePrice: 3_000_000_000n }, 2_000n + 30_000n + 48_000n],
  ['as it says', 'claude-sonnet-4-6', { cachedInputPrice: 1_000_000_000n, cacheWritePrice: 0n, longCacheWritePrice: 5_000_000_000n }, 10_000n + 50_000n],
  ['of a model nobody knows as input', 'claude-of-my-own', {}, 60_000n]
])('under an override a cache costs: %s', (_what, model, cache, nanoUsd) => {
  expect(computeCost(throughCache, overridden('anthropic', model, { ...words, ...cache }))).toBe(nanoUsd)
})

test('nothing of a model that was made free costs anything, whatever the cache', () => {
  expect(computeCost(throughCache, overridden('anthropic', 'claude-sonnet-4-6', { inputPrice: 0n, outputPrice: 0n }))).toBe(0n)
})

const GROQ = 'https://api.groq.com/openai/v1'
const gpt = 'openai/gpt-oss-120b'
const free = { model: gpt, inputPrice: 0n, outputPrice: 0n }

test('a price of one connection counts there, before that of its kind, and nowhere else', () => {
  const [mine, other] = [connectionTo('openai-compatible', 'http://10.0.0.1/v1'), connectionTo('openai-compatible', 'http://10.0.0.2/v1')]
  const set = [{ model: gpt, ...words }, { ...free, connectionId: mine.id }]
  for (const rows of [set, set.toReversed()]) {
    expect(priceOver(mine, gpt, ...rows)).toMatchObject({ inputPrice: 0n, outputPrice: 0n })
    expect(priceOver(other, gpt, ...rows)).toMatchObject(words)
  }
  expect(priceOver(other, gpt, { ...free, connectionId: mine.id })).toBeUndefined()
})

// The catalogue: gpt-oss-120b costs $0.15 and $0.60 at Groq, whisper-large-v3 $0.111 an hour; Together has no price there.
test.each<[string, string, string, SetRates, object | undefined]>([
  ['one of 0', GROQ, gpt, { inputPrice: 0n, outputPrice: 0n }, { inputPrice: 150_000_000n, outputPrice: 600_000_000n }],
  ['one below it for the answer alone', GROQ, gpt, { inputPrice: 200_000_000n, outputPrice: 1n }, { inputPrice: 150_000_000n, outputPrice: 600_000_000n }],
  ['not one above it', GROQ, gpt, words, words],
  ['one of 0 where hours are listed', GROQ, 'whisper-large-v3', { inputPrice: 0n, outputPrice: 0n }, { units: { audioMs: 111_000_000n, leastAudioMs: 10_000 } }],
  ['not one above it by the hour', GROQ, 'whisper-large-v3', { inputPrice: 0n, outputPrice: 0n, audioHourPrice: 200_000_000n }, { units: { audioMs: 200_000_000n } }],
  ['one of 0 where nothing is listed', 'https://api.together.xyz/v1', gpt, { inputPrice: 0n, outputPrice: 0n }, undefined],
  ['not another where nothing is listed', 'https://api.together.xyz/v1', gpt, words, words],
  ['not one of 0 at a server of one\'s own', 'http://10.0.0.1/v1', gpt, { inputPrice: 0n, outputPrice: 0n }, { inputPrice: 0n, outputPrice: 0n }]
])('at a host that the catalogue knows, its own price counts before a lower one of the kind: %s', (_what, baseUrl, model, rates, expected) => {
  const price = priceOver(connectionTo('openai-compatible', baseUrl), model, { model, ...rates })
  if (expected) expect(price).toMatchObject(expected)
  else expect(price).toBeUndefined()
})

test('a price that names the connection may be lower there', () => {
  const groq = connectionTo('openai-compatible', GROQ)
  expect(priceOver(groq, gpt, { ...free, connectionId: groq.id })).toMatchObject({ inputPrice: 0n, outputPrice: 0n })
})

test.each<[string, ConnectionRow, string, string]>([
  ['dated', connectionTo('anthropic'), 'claude-sonnet-4-5', 'claude-sonnet-4-5-20250929'],
  ['in capitals', connectionTo('openai'), 'gpt-4o', 'GPT-4o'],
  ['dated, and in capitals', connectionTo('openai'), 'gpt-4o', 'GPT-4O-2024-11-20'],
  ['in full', connectionTo('google'), 'gemini-2.5-pro', 'models/gemini-2.5-pro'],
  ['where the price has it in full', connectionTo('google'), 'models/gemini-2.5-pro', 'gemini-2.5-pro'],
  ['as the deployment of a dated one', connectionTo('azure', 'https://x.example', { deployments: { prod: 'gpt-4o-2024-11-20' } }), 'gpt-4o', 'prod'],
  ['as a deployment in capitals', connectionTo('azure', 'https://x.example', { deployments: { prod: 'gpt-4o' } }), 'gpt-4o', 'PROD'],
  ['in small letters where nobody knows the model', connectionTo('openai-compatible', 'http://10.0.0.1/v1'), 'Qwen/Qwen3-Coder', 'qwen/qwen3-coder']
])('nobody chooses between an override and the list by how a model is written: %s', (_what, connection, model, called) => {
  expect(priceOver(connection, called, { model, ...words })).toMatchObject(words)
})

test('a price of the very name counts before that of its family', () => {
  const dated = { model: 'claude-sonnet-4-5-20250929', inputPrice: 1n, outputPrice: 1n }
  expect(priceOver(connectionTo('anthropic'), dated.model, { model: 'claude-sonnet-4-5', ...words }, dated)).toMatchObject({ inputPrice: 1n })
})

test('what another deployment is called is no model of its own', () => {
  const azure = connectionTo('azure', 'https://x.example', { deployments: { 'gpt-4o-mini': 'gpt-4o' } })
  expect(priceOver(azure, 'GPT-4o-mini')).toMatchObject({ inputPrice: 2_500_000_000n })
})

test('a model that searches for every answer is not priced with its family', () => {
  const set = { model: 'gpt-4o-mini', inputPrice: 1n, outputPrice: 1n }
  expect(priceOver(connectionTo('openai'), 'gpt-4o-mini-2024-07-18', set)).toMatchObject({ source: 'override:p0' })
  expect(priceOver(connectionTo('openai'), 'gpt-4o-mini-search-preview', set)).toMatchObject({ isPartial: true })
})
