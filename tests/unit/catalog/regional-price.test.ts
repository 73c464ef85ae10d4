import { describe, expect, test } from 'vitest'
import { describeUpstreamModel } from '../../../server/catalog/connection-models'
import type { ModelSource } from '../../../server/catalog/connection-models'

const priceAt = (baseUrl: string | null, model: string, kind: ModelSource['kind'] = 'openai') => describeUpstreamModel({ kind, baseUrl, config: {} }, model).price

describe('OpenAI\'s models at its hosts of a region', () => {
  test.each(['https://eu.api.openai.com/v1', 'https://us.api.openai.com', 'https://jp.api.openai.com:443/v1'])('cost a tenth more since GPT-5.4, of every kind of token and prompts of any length: %s', (baseUrl) => {
    const [plain, regional] = [priceAt(null, 'gpt-5.4'), priceAt(baseUrl, 'gpt-5.4')]
    const raised = (value: unknown): unknown => typeof value === 'bigint' ? value * 11n / 10n : Array.isArray(value) ? value.map(raised) : typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, name === 'aboveInputTokens' ? item : raised(item)])) : value
    expect(plain?.cachedInputPrice).toBeGreaterThan(0n)
    expect(plain?.tiers).not.toHaveLength(0)
    expect(regional).toEqual(raised(plain))
  })

  test.each(['gpt-5', 'gpt-4o-mini', 'gpt-4.1', 'o3', 'whisper-1'])('cost what they do elsewhere before: %s', (model) => {
    expect(priceAt('https://eu.api.openai.com/v1', model)).toEqual(priceAt(null, model))
  })

  test('are told by the host, not by what looks like one', () => {
    for (const baseUrl of ['https://api.openai.com/v1', 'https://proxy.example/eu.api.openai.com', 'https://eu.api.openai.com.example/v1']) expect(priceAt(baseUrl, 'gpt-5.4')).toEqual(priceAt(null, 'gpt-5.4'))
  })
})
