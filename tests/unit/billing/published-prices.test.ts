import { describe, expect, test } from 'vitest'
import { computeCost } from '../../../server/billing/compute-cost'
import { readPackagedModel } from '../../../server/catalog/packaged-prices'
import { MessageUsage, toChatUsage } from '../../../server/gateway/providers/anthropic-usage'
import { toChatUsage as fromGoogle, UsageMetadata } from '../../../server/gateway/providers/google-usage'
import { readUsage } from '../../../server/gateway/usage'

/** Where figures were read, and when. */
const sources = {
  // Prompts above 272,000 tokens cost twice the input and one and a half the output, for the whole call (gpt-5.4).
  openAi: 'https://developers.openai.com/api/docs/pricing, 2026-06',
  // Microsoft's retail price list, its meters of Global Standard ("gpt 4.1 Inp glbl", "gpt 4o 1120 cached Inp glbl" ...), as the Python package azure-genai-prices 0.2.0 has it. The pricing page shows no figure without scripts.
  azure: 'https://prices.azure.com/api/retail/prices, 2026-08-11',
  // A cache read costs 0.1 of the input, a write 1.25 for five minutes and 2 for an hour; Sonnet 4.5 above 200,000 tokens, cached ones included, $6 and $22.50.
  anthropic: 'https://platform.claude.com/docs/en/about-claude/pricing, 2026-06',
  // Thoughts are output.
  google: 'https://ai.google.dev/gemini-api/docs/pricing, 2026-03',
  // What the documentation's tables are made of: `pricing` and `apiNames` of src/schema/models/models.
  mistral: 'https://github.com/mistralai/platform-docs-public, 2026-08-21',
  // What a model's maker asks.
  openRouter: 'https://openrouter.ai/google/gemini-2.5-flash, 2026-11',
  // Each answer's `usage.cost` is what was charged; of an account's own keys (`is_byok`), OpenRouter's fee alone.
  openRouterCost: 'https://openrouter.ai/docs/use-cases/usage-accounting, 2026-11',
  // A write costs what input does and five minutes of storage beside it (Gemini), or 1.25 times the input for five minutes and twice for an hour (Claude).
  openRouterCache: 'https://openrouter.ai/docs/features/prompt-caching, 2026-11',
  // Twice as much on weekdays from 01:00 to 04:00 and from 06:00 to 10:00 UTC. `deepseek-chat` and `deepseek-reasoner` are V4 Flash, and that is V4.1.
  deepSeek: 'https://developersdigest.tech/blog/deepseek-chat-to-v4-migration-guide, 2026-06, which quotes its announcement of V4; https://api-docs.deepseek.com/quick_start/pricing, 2026-11-15',
  // The usage and bill of a real call: `cost_in_usd_ticks` 232,856,000 of 10⁻¹⁰ USD.
  xAi: 'https://github.com/Wei-Shaw/sub2api/issues/5771, 2026-08'
}

/**
 * What providers publish, worked out by hand for one usage object in the provider's own format. A token costs a thousand
 * nano-USD for each dollar per million. List prices of the standard tier.
 */
type Row = [source: string, provider: string, model: string, what: string, usage: Record<string, unknown>, nanoUsd: bigint]

const openAi = (prompt: number, cached: number, completion: number, reasoning = 0) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
  prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: reasoning, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 }
})

const rows: Row[] = [
  // $1.25, $0.125 cached, $10
  [sources.openAi, 'openai', 'gpt-5', 'cached input and reasoning', openAi(10_000, 8_000, 1_500, 1_000), 2_000n * 1_250n + 8_000n * 125n + 1_500n * 10_000n],
  // $0.25, $0.025, $2
  [sources.openAi, 'openai', 'gpt-5-mini', 'plain', openAi(1_000, 0, 500), 1_250_000n],
  // $2, $0.50, $8
  [sources.openAi, 'openai', 'gpt-4.1', 'cached input', openAi(5_000, 4_096, 700), 9_456_000n],
  // $2, $0.50, $8
  [sources.openAi, 'openai', 'o3', 'mostly reasoning', openAi(2_000, 1_024, 3_000, 2_560), 26_464_000n],
  // $1.10, $0.275, $4.40
  [sources.openAi, 'openai', 'o4-mini', 'odd counts', openAi(1_999, 1_024, 101), 1_798_500n],
  // $0.15, $0.075, $0.60: 2 tokens at 150, 1 at 75
  [sources.openAi, 'openai', 'gpt-4o-mini', 'a dated name', openAi(3, 1, 0), 375n],
  // $2.50, $0.25, $15, and above 272,000: $5, $0.50, $22.50
  [sources.openAi, 'openai', 'gpt-5.4', 'a short prompt', openAi(200_000, 150_000, 2_000), 192_500_000n],
  [sources.openAi, 'openai', 'gpt-5.4', 'a long prompt', openAi(300_000, 200_000, 2_000), 645_000_000n],
  // $2, $0.50, $8
  [sources.azure, 'azure', 'gpt-4.1', 'cached input', openAi(5_000, 4_096, 700), 9_456_000n],
  // $2.50, $1.25, $10
  [sources.azure, 'azure', 'gpt-4o', 'cached input', openAi(2_048, 1_024, 10), 3_940_000n],
  // $3, $3.75 and $6 written, $0.30 read, $15
  [sources.anthropic, 'anthropic', 'claude-sonnet-4-5', 'both cache writes and a read', {
    input_tokens: 2_095, cache_creation_input_tokens: 248, cache_read_input_tokens: 1_800, output_tokens: 503,
    cache_creation: { ephemeral_5m_input_tokens: 148, ephemeral_1h_input_tokens: 100 }
  }, 2_095n * 3_000n + 148n * 3_750n + 100n * 6_000n + 1_800n * 300n + 503n * 15_000n],
  // Above 200,000: $6, $0.60 read, $12 written for an hour, $22.50
  [sources.anthropic, 'anthropic', 'claude-sonnet-4-5', 'a long prompt, long by what is cached', {
    input_tokens: 150_000, cache_creation_input_tokens: 1_000, cache_read_input_tokens: 60_000, output_tokens: 1_000,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 1_000 }
  }, 900_000_000n + 12_000_000n + 36_000_000n + 22_500_000n],
  // $5, $10 written for an hour, $0.50 read, $25
  [sources.anthropic, 'anthropic', 'claude-opus-4-5', 'an hour\'s cache', {
    input_tokens: 10, cache_creation_input_tokens: 8_000, cache_read_input_tokens: 40_000, output_tokens: 200,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 8_000 }
  }, 105_050_000n],
  // $15, $18.75 written, $75; an answer that does not divide its writes
  [sources.anthropic, 'anthropic', 'claude-opus-4-1', 'five minutes\' cache', { input_tokens: 50, cache_creation_input_tokens: 12_000, cache_read_input_tokens: 0, output_tokens: 300 }, 248_250_000n],
  // $1, $1.25 written, $0.10 read, $5
  [sources.anthropic, 'anthropic', 'claude-haiku-4-5', 'a cache read and write', { input_tokens: 1_000, cache_creation_input_tokens: 500, cache_read_input_tokens: 4_000, output_tokens: 100 }, 2_525_000n],
  // $1.25, $0.125 cached, $10; 10,000 thoughts that only the total tells
  [sources.google, 'google', 'gemini-2.5-pro', 'thoughts that OpenAI\'s format hides', { prompt_tokens: 11_500, completion_tokens: 1_000, total_tokens: 22_500, prompt_tokens_details: { cached_tokens: 10_000 } }, 1_875_000n + 1_250_000n + 110_000_000n],
  // Above 200,000: $2.50, $15
  [sources.google, 'google', 'gemini-2.5-pro', 'a long prompt', { promptTokenCount: 250_000, candidatesTokenCount: 2_000, totalTokenCount: 252_000 }, 655_000_000n],
  [sources.google, 'google', 'gemini-2.5-pro', 'cached input and thoughts', { promptTokenCount: 11_500, candidatesTokenCount: 1_000, totalTokenCount: 22_500, cachedContentTokenCount: 10_000, thoughtsTokenCount: 10_000 }, 113_125_000n],
  // $2.50, $10, sound $32, none of it cheaper from a cache; how much of that is sound is not told, so as little as can be
  [sources.openAi, 'openai', 'gpt-audio', 'cached sound', { ...openAi(4_000, 2_000, 100), prompt_tokens_details: { cached_tokens: 2_000, audio_tokens: 3_000 } }, 3_000n * 32_000n + 1_000n * 2_500n + 1_000_000n],
  // $0.30, $0.03 cached, $2.50, sound $1, $0.10 cached
  [sources.google, 'google', 'gemini-2.5-flash', 'text', { promptTokenCount: 4_000, candidatesTokenCount: 100, cachedContentTokenCount: 1_000, promptTokensDetails: [{ modality: 'TEXT', tokenCount: 4_000 }] }, 1_180_000n],
  [sources.google, 'google', 'gemini-2.5-flash', 'sound', { promptTokenCount: 4_000, candidatesTokenCount: 100, promptTokensDetails: [{ modality: 'TEXT', tokenCount: 1_000 }, { modality: 'AUDIO', tokenCount: 3_000 }] }, 3_550_000n],
  [sources.google, 'google', 'gemini-2.5-flash', 'cached sound', {
    promptTokenCount: 4_000, candidatesTokenCount: 100, cachedContentTokenCount: 2_000, promptTokensDetails: [{ modality: 'TEXT', tokenCount: 1_000 }, { modality: 'AUDIO', tokenCount: 3_000 }],
    cacheTokensDetails: [{ modality: 'TEXT', tokenCount: 500 }, { modality: 'AUDIO', tokenCount: 1_500 }]
  }, 500n * 300n + 1_500n * 1_000n + 500n * 30n + 1_500n * 100n + 250_000n],
  [sources.google, 'google', 'gemini-2.5-flash', 'cached sound that is not told apart', {
    promptTokenCount: 4_000, candidatesTokenCount: 100, cachedContentTokenCount: 2_000, promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 3_000 }]
  }, 2_000n * 1_000n + 1_000n * 100n + 1_000n * 30n + 250_000n],
  [sources.openRouter, 'openrouter', 'google/gemini-2.5-flash', 'cached sound', {
    ...openAi(4_000, 2_000, 100), prompt_tokens_details: { cached_tokens: 2_000, audio_tokens: 3_000, cached_tokens_details: { audio_tokens: 2_000 } }
  }, 1_000n * 300n + 1_000n * 1_000n + 2_000n * 100n + 250_000n],
  // $2, $12 words and thoughts, $120 pictures, 1,120 tokens each
  [sources.google, 'google', 'gemini-3-pro-image-preview', 'a picture, words and thoughts', {
    promptTokenCount: 100, candidatesTokenCount: 1_320, thoughtsTokenCount: 800, candidatesTokensDetails: [{ modality: 'TEXT', tokenCount: 200 }, { modality: 'IMAGE', tokenCount: 1_120 }]
  }, 200_000n + 134_400_000n + 12_000_000n],
  [sources.google, 'google', 'gemini-3-pro-image', 'a picture and words that no detail names', { promptTokenCount: 100, candidatesTokenCount: 1_125, candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1_120 }] }, 200_000n + 134_400_000n + 60_000n],
  [sources.google, 'google', 'gemini-3-pro-image', 'words alone', { promptTokenCount: 100, candidatesTokenCount: 500, candidatesTokensDetails: [{ modality: 'TEXT', tokenCount: 500 }] }, 200_000n + 6_000_000n],
  [sources.google, 'google', 'gemini-3-pro-image', 'a picture that no detail names', { promptTokenCount: 100, candidatesTokenCount: 1_320, candidatesTokensDetails: [{ modality: 'TEXT', tokenCount: 200 }] }, 200_000n + 134_400_000n + 2_400_000n],
  [sources.google, 'google', 'gemini-3-pro-image', 'kinds that are not told apart', { promptTokenCount: 100, candidatesTokenCount: 1_320 }, 200_000n + 158_400_000n],
  [sources.google, 'google', 'gemini-3-pro-image', 'a picture as OpenRouter tells it', { ...openAi(100, 0, 2_120, 800), completion_tokens_details: { reasoning_tokens: 800, image_tokens: 1_120 } }, 200_000n + 134_400_000n + 12_000_000n],
  // $0.30, $2.50, pictures $30 as at Google, 1,290 tokens each
  [sources.openRouter, 'openrouter', 'google/gemini-2.5-flash-image', 'a picture and words', { ...openAi(10, 0, 1_303), completion_tokens_details: { reasoning_tokens: 0, image_tokens: 1_290 }, cost: 0.0387355 }, 3_000n + 38_700_000n + 13n * 2_500n],
  [sources.openRouter, 'openrouter', 'google/gemini-3-pro-image-preview', 'a picture, words and thoughts', { ...openAi(100, 0, 2_120, 800), completion_tokens_details: { reasoning_tokens: 800, image_tokens: 1_120 }, cost: 0.1466 }, 200_000n + 134_400_000n + 12_000_000n],
  [sources.openRouter, 'openrouter', 'google/gemini-3.1-flash-image-preview', 'a picture that nobody tells', openAi(100, 0, 1_120), 50_000n + 67_200_000n],
  // Dearer than its tokens: it thought and drew, and `cost` alone tells all of it.
  [sources.openRouterCost, 'openrouter', 'openai/gpt-5-image', 'a picture that no detail names', { ...openAi(100, 0, 1_500), cost: 0.0487, is_byok: false, cost_details: { upstream_inference_cost: 0.0487 } }, 48_700_000n],
  [sources.openRouterCost, 'openrouter', 'deepseek/deepseek-v3.2', 'a host that the caller chose', { ...openAi(1_000, 0, 1_000), cost: 0.0123456789123 }, 12_345_679n],
  [sources.openRouterCost, 'openrouter', 'openai/gpt-4o-mini', 'a key of one\'s own', { ...openAi(1_000, 0, 1_000), cost: 0.0000375, is_byok: true, cost_details: { upstream_inference_cost: 0.00075 } }, 750_000n],
  // $2 and $0.375 beside it, $0.50 and $0.0833…, and $1.625 in one; $12, $3 and $10
  [sources.openRouterCache, 'openrouter', 'google/gemini-3.1-pro-preview', 'a cache write', { ...openAi(100_000, 0, 100), prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 100_000 } }, 237_500_000n + 1_200_000n],
  [sources.openRouterCache, 'openrouter', 'google/gemini-3-flash-preview', 'a cache write', { ...openAi(3_000, 0, 0), prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 3_000 } }, 1_750_001n],
  [sources.openRouterCache, 'openrouter', 'google/gemini-2.5-pro', 'a cache write', { ...openAi(3_000, 0, 0), prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 3_000 } }, 4_875_000n],
  // $5, $6.25 written, $25
  [sources.openRouterCache, 'openrouter', 'anthropic/claude-opus-4.6', 'five minutes\' cache', { ...openAi(10_000, 0, 100), prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 10_000 }, cost: 0.065 }, 65_000_000n],
  [sources.openRouterCache, 'openrouter', 'anthropic/claude-opus-4.6', 'an hour\'s cache, which only the cost tells', { ...openAi(10_000, 0, 100), prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 10_000 }, cost: 0.1025 }, 102_500_000n],
  // $0.15, $0.003 cached, $0.60
  [sources.deepSeek, 'deepseek', 'deepseek-chat', 'a name that stands for another model', { prompt_tokens: 2_000, completion_tokens: 1_000, total_tokens: 3_000, prompt_cache_hit_tokens: 1_000 }, 150_000n + 3_000n + 600_000n],
  [sources.deepSeek, 'deepseek', 'deepseek-reasoner', 'a name that stands for another model', openAi(1_000, 0, 1_000), 750_000n],
  [sources.deepSeek, 'deepseek', 'deepseek-flash', 'plain', openAi(1_000, 0, 1_000), 750_000n],
  // $0.30, $2.50, pictures $30, 1,290 tokens each
  [sources.google, 'google', 'gemini-2.5-flash-image', 'a picture and words', { promptTokenCount: 10, candidatesTokenCount: 1_300, candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1_290 }] }, 3_000n + 38_700_000n + 25_000n],
  // $0.50, $1.50; `latest` is Large 3, not Large 2.1 at $2 and $6
  [sources.mistral, 'mistral', 'mistral-large-latest', 'the newest Large', openAi(1_000, 0, 1_000), 2_000_000n],
  [sources.mistral, 'mistral', 'mistral-large-2512', 'Large 3', openAi(1_000, 0, 1_000), 2_000_000n],
  [sources.mistral, 'mistral', 'mistral-large-2411', 'Large 2.1', openAi(1_000, 0, 1_000), 8_000_000n],
  // $1.50, $7.50
  [sources.mistral, 'mistral', 'mistral-medium-latest', 'the newest Medium', openAi(1_000, 0, 1_000), 9_000_000n],
  // $0.15, $0.60; `latest` is Small 4, not Small 3 at $0.10 and $0.30
  [sources.mistral, 'mistral', 'mistral-small-latest', 'the newest Small', openAi(1_000, 0, 1_000), 750_000n],
  // $0.30, $0.90
  [sources.mistral, 'mistral', 'codestral-latest', 'plain', openAi(1_000, 0, 1_000), 1_200_000n],
  // $0.40, $2
  [sources.mistral, 'mistral', 'devstral-latest', 'plain', openAi(1_000, 0, 1_000), 2_400_000n],
  // $2, $5
  [sources.mistral, 'mistral', 'magistral-medium-latest', 'plain', openAi(1_000, 0, 1_000), 7_000_000n],
  // $0.10, $0.15 and $0.20, for input and output alike
  [sources.mistral, 'mistral', 'ministral-3b-latest', 'plain', openAi(1_000, 0, 1_000), 200_000n],
  [sources.mistral, 'mistral', 'ministral-8b-latest', 'plain', openAi(1_000, 0, 1_000), 300_000n],
  [sources.mistral, 'mistral', 'ministral-14b-latest', 'plain', openAi(1_000, 0, 1_000), 400_000n],
  // $1.25, $0.20 cached, $2.50
  [sources.xAi, 'x-ai', 'grok-4.20', 'reasoning beside the answer', {
    prompt_tokens: 10_120, completion_tokens: 1_499, total_tokens: 14_428, prompt_tokens_details: { cached_tokens: 128 }, completion_tokens_details: { reasoning_tokens: 2_809 }
  }, 23_285_600n]
]

test.each(rows)('%s: %s %s, %s, costs what is told there', (_source, provider, model, _what, usage, nanoUsd) => {
  const price = readPackagedModel(provider, model, new Date('2026-11-01T12:00:00Z'))?.price
  const counted = readUsage(asChatUsage(provider, usage))
  if (!price || !counted) throw new Error('no price or no usage')
  expect(computeCost(counted, price)).toBe(nanoUsd)
})

function asChatUsage(provider: string, usage: Record<string, unknown>): unknown {
  if (provider === 'anthropic') return toChatUsage(MessageUsage.parse(usage))
  return 'promptTokenCount' in usage ? fromGoogle(UsageMetadata.parse(usage)) : usage
}

describe('cached input is found', () => {
  test.each([
    ['OpenAI', { prompt_tokens_details: { cached_tokens: 60 } }],
    ['DeepSeek', { prompt_cache_hit_tokens: 60, prompt_cache_miss_tokens: 40 }],
    ['Moonshot', { cached_tokens: 60 }]
  ])('where %s puts it', (_provider, cached) => {
    expect(readUsage({ prompt_tokens: 100, completion_tokens: 5, total_tokens: 105, ...cached })).toMatchObject({ inputTokens: 100, cachedInputTokens: 60, outputTokens: 5 })
  })
})

test('reasoning is counted once, whether a provider tells it within the answer or beside it', () => {
  const within = { prompt_tokens: 10, completion_tokens: 50, total_tokens: 60, completion_tokens_details: { reasoning_tokens: 40 } }
  expect(readUsage(within)).toMatchObject({ outputTokens: 50, reasoningTokens: 40 })
  expect(readUsage({ ...within, completion_tokens: 10 })).toMatchObject({ outputTokens: 50, reasoningTokens: 40 })
})
