import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { computeCost } from '../../../server/billing/compute-cost'
import { declaredModels, declaresModel, describeUpstreamModel } from '../../../server/catalog/connection-models'
import { modelMode } from '../../../server/catalog/model-mode'
import { findPackagedModel, findPackagedProviderId, PACKAGED_PRICES_VERSION, readPackagedModel } from '../../../server/catalog/packaged-prices'
import type { Price } from '../../../server/billing/price'
import { toNanoUsd } from '../../../shared/money'
import { boundCost } from '../../../server/gateway/estimate-cost'
import { readMediaUsage } from '../../../server/gateway/operations/media-usage'
import { noUsage } from '../../../server/gateway/usage'

const priceOf = (provider: string, model: string, at = new Date('2026-11-01T12:00:00Z')) => readPackagedModel(provider, model, at)?.price

test('prices carry the version of the catalogue that is installed', () => {
  const installed = JSON.parse(readFileSync(join(import.meta.dirname, '../../../node_modules/@pydantic/genai-prices/package.json'), 'utf8'))
  expect(PACKAGED_PRICES_VERSION).toBe(installed.version)
  expect(priceOf('openai', 'gpt-4o')?.source).toBe(`catalog:${installed.version}`)
})

test.each([
  [0.1, 100_000_000n],
  [0.075, 75_000_000n],
  [0.0028, 2_800_000n],
  [1.1, 1_100_000_000n],
  [18.75, 18_750_000_000n],
  [0.000000001, 1n],
  [0.0000000011, 2n],
  [1e-7, 100n],
  [600, 600_000_000_000n],
  [0, 0n]
])('%d USD is exactly %d nano-USD, and never less', (usd, nanoUsd) => {
  expect(toNanoUsd(usd)).toBe(nanoUsd)
})

// Published list prices in USD per million tokens: https://openai.com/api/pricing and https://www.anthropic.com/pricing, as of 2025-08,
// https://ai.google.dev/gemini-api/docs/pricing, as of 2026-11.
describe.each([
  ['openai', 'gpt-4o-mini', { input: 0.15, cached: 0.075, output: 0.6 }],
  ['openai', 'gpt-4o-2024-08-06', { input: 2.5, cached: 1.25, output: 10 }],
  ['openai', 'gpt-4.1', { input: 2, cached: 0.5, output: 8 }],
  ['openai', 'gpt-5', { input: 1.25, cached: 0.125, output: 10 }],
  ['azure', 'gpt-4o', { input: 2.5, cached: 1.25, output: 10 }],
  ['anthropic', 'claude-opus-4-1-20250805', { input: 15, cached: 1.5, write: 18.75, output: 75 }],
  ['anthropic', 'claude-3-5-haiku-20241022', { input: 0.8, cached: 0.08, write: 1, output: 4 }],
  ['google', 'gemini-2.5-pro', { input: 1.25, cached: 0.125, output: 10 }],
  ['google', 'gemini-2.5-flash', { input: 0.3, cached: 0.03, output: 2.5 }]
] as const)('%s %s', (provider, model, list) => {
  test('costs what its provider publishes', () => {
    expect(priceOf(provider, model)).toMatchObject({
      inputPrice: toNanoUsd(list.input),
      cachedInputPrice: toNanoUsd(list.cached),
      outputPrice: toNanoUsd(list.output),
      ...('write' in list && { cacheWritePrice: toNanoUsd(list.write) })
    })
  })
})

test('long prompts cost more where the provider says so, the whole call and only then', () => {
  // https://www.anthropic.com/pricing, 2025-09: Sonnet 4.5 above 200K input tokens is $6 / $22.50.
  const price = priceOf('anthropic', 'claude-sonnet-4-5')
  if (!price) throw new Error('no price')
  expect(computeCost({ inputTokens: 200_000, outputTokens: 1_000 }, price)).toBe(615_000_000n)
  expect(computeCost({ inputTokens: 200_001, outputTokens: 1_000 }, price)).toBe(1_222_506_000n)
})

test('prices that follow the clock are taken as of now', () => {
  const at = (time: string) => priceOf('deepseek', 'deepseek-v4-pro', new Date(`2026-11-01T${time}Z`))?.inputPrice
  expect([at('02:00:00'), at('12:00:00')]).toEqual([1_320_000_000n, 660_000_000n])
})

// https://api-docs.deepseek.com/quick_start/pricing, 2026-11-15: legacy names are billed at the price of Flash, off-peak at half of it, all day at weekends. 2026-11-02 is a Monday.
test.each(['deepseek-flash', 'deepseek-v4-flash', 'deepseek-v4-flash-vision-exp', 'deepseek-chat'])('%s costs what V4.1 Flash does, by the hour', (model) => {
  const off = { inputPrice: toNanoUsd(0.15), cachedInputPrice: toNanoUsd(0.003), outputPrice: toNanoUsd(0.6) }
  const peak = { inputPrice: toNanoUsd(0.3), cachedInputPrice: toNanoUsd(0.006), outputPrice: toNanoUsd(1.2) }
  for (const [at, price] of [['02T00:59', off], ['02T01:00', peak], ['02T03:59', peak], ['02T04:00', off], ['02T06:00', peak], ['02T09:59', peak], ['02T10:00', off], ['01T02:00', off], ['07T08:00', off], ['06T08:00', peak]] as const) {
    expect(priceOf('deepseek', model, new Date(`2026-11-${at}:00Z`)), at).toMatchObject({ source: 'published', ...price })
  }
  expect(readPackagedModel('deepseek', model, new Date())?.contextWindow).toBe(1_000_000)
})

test('a model without a full price has none, rather than a price of zero', () => {
  expect(priceOf('openai', 'no-such-model')).toBeUndefined()
  expect(priceOf('perplexity', 'sonar')).toBeUndefined()
  // Each answer of theirs is a search, too, which is billed by the call.
  for (const model of ['gpt-4o-search-preview', 'gpt-4o-mini-search-preview', 'gpt-4o-mini-search-preview-2025-03-11']) expect(priceOf('openai', model)).toMatchObject({ isPartial: true })
  for (const model of ['perplexity/sonar', 'perplexity/sonar-pro', 'perplexity/sonar-deep-research', 'openai/o3-deep-research', 'openai/o4-mini-deep-research']) expect(priceOf('openrouter', model), model).toMatchObject({ isPartial: true })
  for (const model of ['sonar-deep-research', 'sonar-pro-search']) expect(priceOf('perplexity', model), model).toMatchObject({ isPartial: true })
  // Where its maker serves it, it searches with tools that a call names.
  for (const provider of ['openai', 'azure']) expect(priceOf(provider, 'o3-deep-research')?.isPartial).toBeUndefined()
  expect(priceOf('azure', 'phi-4-reasoning:free')).toBeUndefined()
})

test('a server of one\'s own has no packaged price, a well-known one has', () => {
  expect(findPackagedProviderId('https://api.groq.com/openai/v1')).toBe('groq')
  for (const url of ['https://api.moonshot.ai/v1', 'https://api.moonshot.cn/v1']) expect(findPackagedProviderId(url)).toBe('moonshotai')
  for (const url of ['http://localhost:11434/v1', 'https://api.moonshot.evil.example/v1', 'https://api.moonshot.ai.evil.example/v1', 'https://api.groq.com.evil.example/v1', 'https://evil.example/https://api.groq.com', 'no url']) {
    expect(findPackagedProviderId(url)).toBeUndefined()
  }
  const own = describeUpstreamModel({ kind: 'openai-compatible', baseUrl: 'http://localhost:11434/v1', config: {} }, 'gpt-4o')
  expect(own.price).toBeUndefined()
})

test('a model that embeds costs its input alone; pictures and text among the input are told apart', () => {
  expect(priceOf('openai', 'text-embedding-3-small')).toMatchObject({ inputPrice: toNanoUsd(0.02), outputPrice: 0n })
  const price = priceOf('openai', 'gpt-image-1')
  expect(price).toMatchObject({ inputPrice: toNanoUsd(10), textInputPrice: toNanoUsd(5), outputPrice: toNanoUsd(40) })
  if (price) expect(computeCost({ inputTokens: 100, textInputTokens: 60, outputTokens: 0 }, price)).toBe(700_000n)
})

test('what is bounded before an answer is there counts as pictures, and what OpenAI tells to be words as words', () => {
  const price = priceOf('openai', 'gpt-image-1.5')
  if (!price) throw new Error('no price')
  expect(price).toMatchObject({ outputPrice: toNanoUsd(32), textOutputPrice: toNanoUsd(10) })
  expect(boundCost({ inputTokens: 0, outputTokens: 100 }, price)).toBe(3_200_000n)
  const usage = readMediaUsage({ input_tokens: 0, output_tokens: 100, output_tokens_details: { image_tokens: 60, text_tokens: 40 } })
  expect(computeCost(usage ?? noUsage, price)).toBe(60n * 32_000n + 40n * 10_000n)
})

test.each([
  ['openai', 'gpt-4o-audio-preview', 40, 80],
  ['openai', 'gpt-4o-audio-preview-2025-06-03', 40, 80],
  ['openai', 'gpt-4o-audio-preview-2024-10-01', 100, 200],
  ['azure', 'gpt-4o-mini-audio-preview', 10, 20],
  ['openai', 'gpt-audio', 32, 64],
  ['openrouter', 'openai/gpt-audio', 32, 64],
  ['openrouter', 'openai/gpt-4o-audio-preview', 40, 80]
])('%s %s hears at $%d and speaks at $%d', (provider, model, heard, spoken) => {
  const price = priceOf(provider, model)
  expect(price).toMatchObject({ audioInputPrice: toNanoUsd(heard), audioOutputPrice: toNanoUsd(spoken) })
  expect(price?.isPartial).toBeUndefined()
})

test('sound at OpenRouter costs what it does at the model\'s maker, and what neither prices makes a price partial', () => {
  expect(priceOf('openrouter', 'google/gemini-2.5-flash')).toMatchObject({ inputPrice: toNanoUsd(0.3), audioInputPrice: toNanoUsd(1) })
  expect(priceOf('openrouter', 'openai/gpt-audio-mini')).toMatchObject({ inputPrice: toNanoUsd(0.6), outputPrice: toNanoUsd(2.4) })
  expect(priceOf('openrouter', 'openai/gpt-audio-mini')?.isPartial).toBeUndefined()
  for (const [provider, model] of [['mistral', 'voxtral-small-latest'], ['openrouter', 'mistralai/voxtral-small-24b-2507']] as const) expect(priceOf(provider, model), model).toMatchObject({ isPartial: true })
  expect(priceOf('mistral', 'voxtral-mini-latest')).toMatchObject({ byUnitsAlone: true })
  expect(priceOf('mistral', 'voxtral-mini-latest')?.isPartial).toBeUndefined()
})

test('pictures at OpenRouter cost what they do at the model\'s maker, in what is held too, and what the maker does not price makes a price partial', () => {
  const price = priceOf('openrouter', 'google/gemini-2.5-flash-image')
  if (!price) throw new Error('no price')
  expect(price).toMatchObject({ outputPrice: toNanoUsd(30), textOutputPrice: toNanoUsd(2.5), tellsCost: true })
  expect(price.isPartial).toBeUndefined()
  expect(boundCost({ inputTokens: 0, outputTokens: 1_290 }, price)).toBe(38_700_000n)
  for (const model of ['openai/gpt-5-image', 'openai/gpt-5-image-mini', 'openai/gpt-5.4-image-2']) expect(priceOf('openrouter', model), model).toMatchObject({ isPartial: true })
  expect(priceOf('openrouter', 'openai/gpt-4o')?.isPartial).toBeUndefined()
})

test('a prompt to Claude at OpenRouter is held as one that is kept for an hour, long ones too', () => {
  expect(priceOf('openrouter', 'anthropic/claude-sonnet-4.5')).toMatchObject({ cacheWritePrice: toNanoUsd(3.75), longCacheWritePrice: toNanoUsd(6), tiers: [{ aboveInputTokens: 200_000, cacheWritePrice: toNanoUsd(7.5), longCacheWritePrice: toNanoUsd(12) }] })
  expect(priceOf('openrouter', '~anthropic/claude-haiku-latest')).toMatchObject({ longCacheWritePrice: toNanoUsd(2) })
  expect(priceOf('openrouter', 'google/gemini-3.1-pro-preview')).toMatchObject({ cacheWritePrice: toNanoUsd(2.375) })
  expect(priceOf('openrouter', 'google/gemini-3.1-pro-preview')).not.toHaveProperty('longCacheWritePrice')
})

test('a remembered model is the same as a fresh one', () => {
  expect(findPackagedModel('openai', 'gpt-4o')).toEqual(readPackagedModel('openai', 'gpt-4o', new Date()))
  expect(findPackagedModel('openai', 'gpt-4o')).toBe(findPackagedModel('openai', 'gpt-4o'))
})

describe('the models of a connection', () => {
  const openai = { kind: 'openai', baseUrl: null, config: { models: ['ft:gpt-4o:mine'] } } as const

  test('are those the catalogue prices that an endpoint here takes, those that are free, and those its config adds', () => {
    const models = declaredModels(openai)
    expect(models).toEqual(expect.arrayContaining(['gpt-4o-mini', 'gpt-5', 'ft:gpt-4o:mine', 'text-embedding-3-small', 'gpt-image-1', 'gpt-4o-transcribe', 'gpt-4o-mini-tts', 'omni-moderation-latest', 'whisper-1', 'tts-1', 'tts-1-hd']))
    expect(models.filter(model => /dall-e|audio|realtime|davinci/.test(model))).toEqual([])
    expect(describeUpstreamModel(openai, 'omni-moderation-latest').price).toEqual({ source: 'published', inputPrice: 0n, outputPrice: 0n })
  })

  test('include dated versions by name, and no other provider\'s', () => {
    expect(declaresModel(openai, 'gpt-4o-2024-08-06')).toBe(true)
    expect(declaresModel(openai, 'claude-opus-4-1')).toBe(false)
    expect(declaresModel(openai, 'gpt-realtime')).toBe(false)
  })

  test('include those that OpenAI serves by the Responses API alone, by their bare names', () => {
    const models = ['gpt-5.1-codex-mini', 'gpt-5.3-codex', 'gpt-5-pro', 'gpt-5.2-pro', 'o1-pro', 'o3-pro', 'o3-deep-research']
    expect(declaredModels(openai)).toEqual(expect.arrayContaining(models))
    for (const model of [...models, 'gpt-5-codex', 'gpt-5.1-codex-max', 'o3-pro-2025-06-10', 'o4-mini-deep-research-2025-06-26']) {
      expect(declaresModel(openai, model), model).toBe(true)
      expect(modelMode(model, 'openai'), model).toBe('responses')
    }
    for (const model of ['gpt-5', 'gpt-5.1', 'o3', 'gpt-5-chat-latest']) expect(modelMode(model, 'openai'), model).toBe('chat')
    expect(modelMode('openai/o3-pro', 'openai-compatible')).toBe('chat')
  })

  test('of Google are its Geminis that chat, not the other models it hosts', () => {
    const google = { kind: 'google', baseUrl: null, config: {} } as const
    const models = declaredModels(google)
    expect(models).toEqual(expect.arrayContaining(['gemini-2.5-pro', 'gemini-3.1-pro-preview']))
    expect(models.filter(model => !model.startsWith('gemini-') || /image|tts|live|-1\.|-2\.0/.test(model))).toEqual([])
    expect(declaresModel(google, 'gemini-2.0-flash-001')).toBe(true)
    expect(declaresModel(google, 'claude-opus-4-6')).toBe(false)
    expect(describeUpstreamModel(google, 'gemini-2.5-flash')).toMatchObject({ contextWindow: 1_048_576, maxOutputTokens: 65_536 })
  })

  test('of Google have a window where the catalogue tells none, from 2.5 on; one that it tells stands', () => {
    const windowOf = (model: string) => describeUpstreamModel({ kind: 'google', baseUrl: null, config: {} }, model).contextWindow
    for (const model of ['gemini-2.5-pro', 'models/gemini-2.5-pro', 'gemini-3-pro-preview', 'gemini-3.1-pro-preview', 'gemini-of-tomorrow']) expect(windowOf(model), model).toBe(1_048_576)
    expect(windowOf('gemini-1.5-pro')).toBe(1_000_000)
    for (const model of ['gemini-embedding-001', 'gemini-flash-1.5', 'gemma-3']) expect(windowOf(model), model).toBeUndefined()
  })

  test('of Azure are its deployments, priced as the models behind them', () => {
    const azure = { kind: 'azure', baseUrl: 'https://x.openai.azure.com', config: { deployments: { prod: 'gpt-4o' } } } as const
    expect(declaredModels(azure)).toEqual(['prod'])
    expect(describeUpstreamModel(azure, 'prod')).toMatchObject({ price: { inputPrice: 2_500_000_000n }, maxOutputTokens: 16_384 })
  })

  test('of OpenAI that chat as ChatGPT does write less than those that reason', () => {
    const limitOf = (model: string) => describeUpstreamModel({ kind: 'openai', baseUrl: null, config: {} }, model).maxOutputTokens
    for (const model of ['gpt-5-chat-latest', 'gpt-5.1-chat-latest', 'gpt-5.2-chat-latest']) expect(limitOf(model), model).toBe(16_384)
    for (const model of ['gpt-5', 'gpt-5-mini', 'gpt-5.1', 'gpt-5.2-2025-12-11', 'gpt-5.4']) expect(limitOf(model), model).toBe(128_000)
  })

  test('of a connection whose config cannot be read are none, and listing goes on', () => {
    expect(declaredModels({ kind: 'azure', baseUrl: null, config: { deployments: 'x' } })).toEqual([])
    expect(declaredModels({ kind: 'openai-compatible', baseUrl: null, config: { models: 3 } })).toEqual([])
  })
})

describe('computeCost', () => {
  const price: Price = { source: 'test', inputPrice: 3_000_000_000n, outputPrice: 15_000_000_000n, cachedInputPrice: 300_000_000n, cacheWritePrice: 3_750_000_000n }

  test.each([
    ['nothing', { inputTokens: 0, outputTokens: 0 }, 0n],
    ['input and output', { inputTokens: 1_000, outputTokens: 500 }, 3_000_000n + 7_500_000n],
    ['cache reads', { inputTokens: 1_000, outputTokens: 0, cachedInputTokens: 900 }, 300_000n + 270_000n],
    ['cache writes', { inputTokens: 1_000, outputTokens: 0, cacheWriteTokens: 1_000 }, 3_750_000n],
    ['all of them', { inputTokens: 100, outputTokens: 10, cachedInputTokens: 50, cacheWriteTokens: 20 }, 90_000n + 15_000n + 75_000n + 150_000n],
    ['more cached than sent', { inputTokens: 10, outputTokens: 0, cachedInputTokens: 50, cacheWriteTokens: 20 }, 3_000n]
  ])('is exact for %s', (_name, tokens, cost) => {
    expect(computeCost(tokens, price)).toBe(cost)
  })

  test('rounds up once, at the end', () => {
    const tiny: Price = { source: 'test', inputPrice: 1n, outputPrice: 1n }
    expect(computeCost({ inputTokens: 1, outputTokens: 1 }, tiny)).toBe(1n)
    expect(computeCost({ inputTokens: 1_000_000, outputTokens: 1 }, tiny)).toBe(2n)
  })

  test('charges cached tokens as input where no cache price is known', () => {
    const plain: Price = { source: 'test', inputPrice: 1_000_000_000n, outputPrice: 0n }
    expect(computeCost({ inputTokens: 10, outputTokens: 0, cachedInputTokens: 5, cacheWriteTokens: 5 }, plain)).toBe(10_000n)
  })

  test('stays exact where floats do not', () => {
    expect(computeCost({ inputTokens: 9_007_199_254_740_991, outputTokens: 0 }, { source: 'test', inputPrice: 1_000_000_001n, outputPrice: 0n })).toBe(9_007_199_263_748_190_255n)
  })

  test.each([-1, 1.5, Number.NaN])('refuses %d tokens', (inputTokens) => {
    expect(() => computeCost({ inputTokens, outputTokens: 0 }, price)).toThrow(RangeError)
  })
})
