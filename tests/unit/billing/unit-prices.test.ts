import { describe, expect, test } from 'vitest'
import { computeCost, isPricedFor } from '../../../server/billing/compute-cost'
import type { UnitRates, Units } from '../../../server/billing/units'
import { readPackagedModel } from '../../../server/catalog/packaged-prices'
import { findPublishedPrice } from '../../../server/catalog/published-prices'
import type { Price } from '../../../server/billing/price'

/** Where figures were read, and when. */
const sources = {
  // whisper-1 $0.006 a minute.
  openAi: 'https://developers.openai.com/api/docs/pricing, 2026-11',
  // $0.0045 a minute.
  gptTranscribe: 'https://developers.openai.com/api/docs/models/gpt-transcribe, 2026-11',
  // tts-1 and tts-1-hd $15 and $30 per million characters.
  speech: 'https://developers.openai.com/api/docs/models/tts-1, 2026-11',
  // The bill of a real call of tts-1, $0.061425 for 4,095 characters.
  bill: 'https://www.s-anand.net/blog/openai-tts-cost/, 2025-11',
  // whisper-large-v3 $0.111 and whisper-large-v3-turbo $0.04 an hour, ten seconds at least.
  groq: 'https://console.groq.com/docs/speech-text, 2026-11',
  // voxtral-mini-2602 $0.003 a minute.
  mistral: 'https://github.com/mistralai/platform-docs-public (src/schema/models/models), 2026-08-21'
}

/** What providers publish for what is not priced by tokens, worked out by hand. */
type Row = [source: string, provider: string, model: string, what: string, units: Units, nanoUsd: bigint]

const rows: Row[] = [
  [sources.openAi, 'openai', 'whisper-1', 'a minute', { audioMs: 60_000 }, 6_000_000n],
  [sources.openAi, 'openai', 'whisper-1', 'three seconds', { audioMs: 3_000 }, 300_000n],
  [sources.openAi, 'openai', 'whisper-1', 'an hour', { audioMs: 3_600_000 }, 360_000_000n],
  [sources.gptTranscribe, 'openai', 'gpt-transcribe', 'a minute', { audioMs: 60_000 }, 4_500_000n],
  // A 3,600,000th of $0.04 is 11.1 nano-USD: rounded up once, not each millisecond.
  [sources.groq, 'groq', 'whisper-large-v3-turbo', 'eleven seconds', { audioMs: 11_000 }, 122_223n],
  [sources.groq, 'groq', 'whisper-large-v3', 'ten seconds', { audioMs: 10_000 }, 308_334n],
  [sources.groq, 'groq', 'whisper-large-v3', 'a millisecond: charged as ten seconds', { audioMs: 1 }, 308_334n],
  [sources.groq, 'groq', 'whisper-large-v3', 'a file that never came', { audioMs: 0 }, 0n],
  [sources.mistral, 'mistral', 'voxtral-mini-2602', 'a minute', { audioMs: 60_000 }, 3_000_000n],
  [sources.bill, 'openai', 'tts-1', 'a bill that was paid', { characters: 4_095 }, 61_425_000n],
  [sources.speech, 'openai', 'tts-1-hd', 'a character', { characters: 1 }, 30_000n],
  [sources.speech, 'openai', 'tts-1-1106', 'a dated version', { characters: 2 }, 30_000n]
]

test.each(rows)('%s: %s %s, %s, costs what is told there', (_source, provider, model, _what, units, nanoUsd) => {
  const price = readPackagedModel(provider, model, new Date('2026-11-01T12:00:00Z'))?.price ?? findPublishedPrice(model)
  if (!price) throw new Error('no price')
  expect(computeCost({ inputTokens: 1_000, outputTokens: 1_000, units }, price)).toBe(nanoUsd)
})

/** A model whose prices are $0, but for those units. */
const byUnits = (units: UnitRates): Price => ({ source: 'test', inputPrice: 0n, outputPrice: 0n, units, byUnitsAlone: true })
const costOf = (units: Units, rates: UnitRates) => computeCost({ inputTokens: 5, outputTokens: 5, units }, byUnits(rates))

describe('prices that an override gives', () => {
  test('of searches, by the thousand', () => {
    expect(costOf({ searches: 1 }, { searches: 2_000_000_000n })).toBe(2_000_000n)
    expect(costOf({ searches: 3 }, { searches: 1n })).toBe(1n)
  })

  test('of pictures, the narrowest entry that fits, the dearest where none does', () => {
    // dall-e-3's list: $0.04 and $0.08 standard, $0.08 and $0.12 in high quality.
    const pictures = { '*/*': 40_000_000n, '*/1024x1792': 80_000_000n, 'hd/*': 80_000_000n, 'hd/1024x1792': 120_000_000n }
    const one = (kind: { quality?: string, size?: string }) => costOf({ pictures: { count: 1, ...kind } }, { pictures })
    expect([one({}), one({ size: '1024x1024' }), one({ size: '1024x1792' }), one({ quality: 'hd' }), one({ quality: 'hd', size: '1024x1792' }), one({ quality: 'standard', size: '1024x1792' })])
      .toEqual([40_000_000n, 40_000_000n, 80_000_000n, 80_000_000n, 120_000_000n, 80_000_000n])
    expect(costOf({ pictures: { count: 3 } }, { pictures: { 'low/1024x1024': 1n, 'high/1024x1024': 7n } })).toBe(21n)
  })

  test('beside tokens, all added up before anything is rounded', () => {
    const price: Price = { source: 'test', inputPrice: 1n, outputPrice: 0n, units: { characters: 1n } }
    expect(computeCost({ inputTokens: 1, outputTokens: 0, units: { characters: 1 } }, price)).toBe(1n)
    expect(computeCost({ inputTokens: 1_000_000, outputTokens: 0, units: { characters: 1_000_000 } }, price)).toBe(2n)
    expect(computeCost({ inputTokens: 1_000_000, outputTokens: 0 }, price)).toBe(1n)
  })

  test.each([{ audioMs: 0.5 }, { characters: -1 }, { searches: Number.NaN }, { pictures: { count: 2 ** 53 } }])('refuse %j, which is no count', (units) => {
    expect(() => costOf(units, { audioMs: 1n, characters: 1n, searches: 1n, pictures: { '*/*': 1n } })).toThrow(RangeError)
  })
})

test('a model priced by units alone has no price for a call that is measured otherwise', () => {
  const byHour = byUnits({ audioMs: 1n })
  expect([isPricedFor(byHour, 'audioMs'), isPricedFor(byHour, 'characters'), isPricedFor(byHour, undefined), isPricedFor(undefined, 'audioMs')]).toEqual([true, false, false, false])
  expect(isPricedFor({ source: 'test', inputPrice: 0n, outputPrice: 0n }, 'characters')).toBe(true)
})
